"""`eqspec schema`: the JSON Schema of a spec, for editors."""

from __future__ import annotations

import json
from pathlib import Path

from eqspec.commands.output_files import refuse_another_kind
from eqspec.errors import EqspecError, UsageError
from eqspec.runs.artifacts import read_json, write_text
from eqspec.spec.schema import json_schema

FILE = "schema.json"
"""What the file is called that a spec's first line points its editor to."""


def schema_text() -> str:
    """The schema as it stands in a file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def write_schema(path: Path) -> None:
    """Writes the schema, over an older one too.

    Raises:
        UsageError: when another file than a schema of specs stands there, or it cannot be written.
    """
    refuse_another_kind(path, kind="schema of a spec", is_one=_is_schema)
    if not path.parent.is_dir():
        raise UsageError(f"`{path}` cannot be written: there is no folder `{path.parent}`")
    try:
        write_text(path, text=schema_text())
    except EqspecError as error:
        raise UsageError(error.message, help=error.help) from error


def _is_schema(path: Path) -> bool:
    """Whether a file holds what this command writes: JSON that describes a spec's keys."""
    try:
        found = read_json(path, follow=True)
    except EqspecError:
        return False
    described = found.get("properties") if isinstance(found, dict) else None
    return isinstance(described, dict) and {"backbone", "method", "equivariance"} <= set(described)


def modeline(schema: str) -> str:
    """The comment by which editors find the schema of a spec; it is to be the first line."""
    return f"# yaml-language-server: $schema={schema}"
