"""Arguments and output of `eqspec list`."""

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
        typer.Argument(metavar="FAMILY", help="A family of cards, such as methods; ops; specs."),
    ] = None,
    as_json: Json = False,
) -> int:
    """List the cards that a spec can use.

    Lists all families, or the given one. `methods` also lists the equivariance rewrites that can
    be added to a method; `ops` lists the mechanisms behind the cards; `specs` lists the specs that
    come with eqspec.
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
    if family in {None, SPECS}:
        screen.suggest("eqspec", "plan", "quickstart")
    else:
        screen.suggest("eqspec", "show", found[kinds[0]][0].name)
    return 0
