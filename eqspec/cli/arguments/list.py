"""`eqspec list`: its arguments, and what it says."""

from __future__ import annotations

from typing import Annotated

import typer

from eqspec.cli.options import Json, screen_of

EXAMPLES = (
    "eqspec list",
    "eqspec list methods",
    "eqspec list ops --json",
)


def command(
    context: typer.Context,
    *,
    family: Annotated[
        str | None,
        typer.Argument(metavar="[FAMILY]", help="methods, backbones, …; also `ops` and `specs`."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Lists what a spec may name.

    The cards of every family, or of one; `ops` lists the mechanisms behind them, `specs` the specs
    that ship. `methods` lists what a method may carry with it.
    """
    from eqspec.cli.render import list as page
    from eqspec.commands.list import KINDS, OPS, SPECS, entries, listed_with

    screen = screen_of(context)
    screen.after_error = ("eqspec", "list")
    kinds = [kind for kind in KINDS if kind != OPS] if family is None else listed_with(family)
    found = {kind: entries(kind) for kind in kinds}
    if as_json:
        screen.show_json(page.as_data(found))
    else:
        screen.show(page.listed(found, width=screen.wrap))
    name = found[kinds[0]][0].name
    screen.suggest("eqspec", "plan" if kinds[0] == SPECS else "show", name)
    return 0
