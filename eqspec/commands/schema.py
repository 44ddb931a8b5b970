"""`eqspec schema`: the JSON Schema of a spec, for editors."""

from __future__ import annotations

import json
from pathlib import Path

from eqspec.errors import UsageError
from eqspec.spec.schema import json_schema

FILE = "schema.json"
"""What the file is called that a spec's first line points its editor to."""


def schema_text() -> str:
    """The schema as it stands in a file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def write_schema(path: Path) -> None:
    """Writes the schema, over an older one too.

    Raises:
        UsageError: when the file cannot be written.
    """
    try:
        path.write_text(schema_text(), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"`{path}` cannot be written: {error.strerror}") from error


def modeline(schema: str) -> str:
    """The comment by which editors find the schema of a spec; it is to be the first line."""
    return f"# yaml-language-server: $schema={schema}"
