"""Arguments and output of `eqspec init`."""

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
        typer.Option("--plugin", metavar="NAME", help="Name of a Python package with a new op."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Write an example spec, or a plugin.

    The spec is small, commented and ready to run. With `--plugin`, writes the scaffold of a Python
    package with an op of your own. Never overwrites a file.
    """
    from eqspec.commands.init import init

    screen = screen_of(context)
    screen.after_error = ("eqspec", "init", "--help")
    new = init(folder, plugin=plugin)
    if as_json:
        screen.show_json({"files": [str(path) for path in new.files], "spec": str(new.spec)})
    else:
        for path in new.files:
            screen.show(str(path))
    if plugin is None:
        screen.suggest("eqspec", "check", str(new.spec))
    else:
        screen.suggest("pip", "install", "--editable", str(new.folder))
    return 0
