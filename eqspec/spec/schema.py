"""The JSON Schema of a spec, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.spec.model import Spec

if TYPE_CHECKING:
    from pydantic import JsonValue


def json_schema() -> dict[str, JsonValue]:
    """Return the JSON Schema (2020-12) of a spec; each field has `unit`, `paper` and `identity`."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, **Spec.model_json_schema(by_alias=True)}
