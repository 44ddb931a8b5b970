"""`eqspec show`: its arguments, and what it says."""

from __future__ import annotations

from typing import Annotated

import typer

from eqspec.cli.options import Json, screen_of

EXAMPLES = (
    "eqspec show vicreg",
    "eqspec show rot",
    "eqspec show linear --family schedules",
)


def command(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a card or an op.")],
    family: Annotated[
        str | None, typer.Option("--family", metavar="FAMILY", help="Only of this family.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Shows a card or an op.

    What it is, where it lies and what may be set; of all families that have the name.
    """
    from eqspec.cli.render import show as page
    from eqspec.commands.show import show as look_up

    screen = screen_of(context)
    screen.after_error = ("eqspec", "list")
    pages = look_up(name, family=family)
    if as_json:
        screen.show_json(page.as_data(pages))
    else:
        screen.show(page.shown(pages, width=screen.width))
    screen.suggest("eqspec", "list", page.kind(pages[0]))
    return 0
