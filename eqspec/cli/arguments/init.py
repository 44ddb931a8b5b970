"""`eqspec init`: its arguments, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eqspec.cli.options import Json, screen_of

EXAMPLES = (
    "eqspec init first",
    "eqspec init my-transforms --plugin my-transforms",
)


def command(
    context: typer.Context,
    *,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into.")],
    plugin: Annotated[
        str | None,
        typer.Option("--plugin", metavar="NAME", help="A Python package that brings an op."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Writes a small commented spec that runs as it is.

    With `--plugin`, the scaffold of a package that brings an op of your own. Never overwrites.
    """
    from eqspec.commands.init import init

    screen = screen_of(context)
    screen.after_error = ("eqspec", "init", "--help")
    made = init(folder, plugin=plugin)
    if as_json:
        screen.show_json({"files": [str(path) for path in made.files], "spec": str(made.spec)})
    else:
        for path in made.files:
            screen.show(str(path))
    if plugin is None:
        screen.suggest("eqspec", "check", str(made.spec))
    else:
        screen.suggest("pip", "install", "--editable", str(made.folder))
    return 0
