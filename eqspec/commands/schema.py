"""`eqspec schema`: the JSON Schema of a spec, for editors."""

from __future__ import annotations

import json
from pathlib import Path

from eqspec.commands.output_files import refuse_another_kind
from eqspec.errors import EqspecError, UsageError
from eqspec.runs.artifacts import read_json, write_text
from eqspec.spec.schema import json_schema

FILE = "schema.json"
"""Name of the schema file to which the first line of a spec refers."""


def schema_text() -> str:
    """Return the content of the schema file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def write_schema(path: Path) -> None:
    """Write the schema, replacing an older one.

    Raises:
        UsageError: when the path is another kind of file, or cannot be written.
    """
    refuse_another_kind(path, kind="schema of a spec", is_one=_is_schema)
    if not path.parent.is_dir():
        raise UsageError(f"cannot write `{path}`: there is no folder `{path.parent}`")
    try:
        write_text(path, text=schema_text())
    except EqspecError as error:
        raise UsageError(error.message, help=error.help) from error


def _is_schema(path: Path) -> bool:
    """Whether a file is a JSON Schema of specs."""
    try:
        found = read_json(path, follow=True)
    except EqspecError:
        return False
    described = found.get("properties") if isinstance(found, dict) else None
    return isinstance(described, dict) and {"backbone", "method", "equivariance"} <= set(described)


def modeline(schema: str) -> str:
    """Return the first line of a spec, by which editors find its schema."""
    return f"# yaml-language-server: $schema={schema}"
