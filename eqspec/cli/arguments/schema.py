"""`eqspec schema`: its arguments, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eqspec.cli.options import Json, screen_of

EXAMPLES = (
    "eqspec schema",
    "eqspec schema -o specs/schema.json",
)


def command(
    context: typer.Context,
    *,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write it to a file.")
    ] = None,
    as_json: Json = True,  # noqa: ARG001 - it is JSON in any case
) -> int:
    """Prints the JSON Schema of a spec.

    Every field with its description, unit, default and the paper's value. Editors that know the
    YAML language server read it where a spec begins with the line that the command tells.
    """
    from eqspec.commands.schema import modeline, schema_text, write_schema

    screen = screen_of(context)
    screen.after_error = ("eqspec", "schema")
    if out is None:
        screen.show(schema_text().removesuffix("\n"))
        screen.suggest("eqspec", "schema", "-o", "schema.json")
        return 0
    write_schema(out)
    screen.say(f"first line of a spec beside it:  {modeline(out.name)}")
    screen.suggest("eqspec", "explain", "train.batch")
    return 0
