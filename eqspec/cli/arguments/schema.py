"""Arguments and output of `eqspec schema`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eqspec.cli.options import screen_of

EXAMPLES = (
    "eqspec schema",
    "eqspec schema -o specs/schema.json",
)


def command(
    context: typer.Context,
    *,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write the schema to a file.")
    ] = None,
    as_json: Annotated[  # noqa: ARG001 - the output is always JSON
        bool, typer.Option("--json", show_default=False, help="Print JSON (always the case).")
    ] = True,
) -> int:
    """Print the JSON Schema of a spec.

    Each field has its description, unit, default and the value in the paper. With `--out`, the
    command also prints the first line that a spec needs for editors with the YAML language server
    to find the schema.
    """
    from eqspec.commands.schema import modeline, schema_text, write_schema

    screen = screen_of(context)
    screen.after_error = ("eqspec", "schema")
    if out is None:
        screen.show(schema_text().removesuffix("\n"))
        screen.suggest("eqspec", "schema", "-o", "schema.json")
        return 0
    write_schema(out)
    screen.say(f"first line of a spec in the same folder:  {modeline(out.name)}")
    screen.suggest("eqspec", "explain", "train.batch")
    return 0
