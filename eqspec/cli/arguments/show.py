"""Arguments and output of `eqspec show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eqspec.cli.options import (
    RUNS,
    Json,
    Runs,
    audit_arguments,
    runs_arguments,
    screen_of,
    unknown_data,
)
from eqspec.cli.screen import Screen
from eqspec.errors import UsageError

EXAMPLES = (
    "eqspec show vicreg",
    "eqspec show rot",
    "eqspec show linear --family schedules",
    "eqspec show latest",
    "eqspec show runs/quickstart/7f3a9c21-s0",
)


def command(
    context: typer.Context,
    *,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A card, an op or a run: its path, the start of its name, or `latest`.",
        ),
    ],
    family: Annotated[
        str | None, typer.Option("--family", metavar="FAMILY", help="Search only in this family.")
    ] = None,
    runs: Runs = RUNS,
    as_json: Json = False,
) -> int:
    """Show a card, an op or a run.

    For a card or an op, shows its text, its file and its parameters, in every family that has the
    name. Otherwise shows the run of that name: its state, choices, results and files.
    """
    from eqspec.cli.render import show as page
    from eqspec.commands.show.card import show as look_up
    from eqspec.commands.show.run import NothingNamed, run_meant

    screen = screen_of(context)
    screen.after_error = ("eqspec", "list")
    try:
        pages = look_up(name, family=family)
    except UsageError:
        if family is not None:
            raise
        screen.after_error = ("eqspec", "status", *runs_arguments(runs))
        run = run_meant(name, root=runs)
        if run is None:
            wrong = NothingNamed(name, root=runs)
            screen.after_error = screen.after_error if wrong.like_a_run else ("eqspec", "list")
            raise wrong from None
        return _show_run(run, runs=runs, as_json=as_json, screen=screen)
    if as_json:
        screen.show_json(page.as_data(pages))
    else:
        screen.show(page.shown(pages, width=screen.wrap))
    screen.suggest("eqspec", "list", page.kind(pages[0]))
    return 0


def _show_run(run: Path, *, runs: Path, as_json: bool, screen: Screen) -> int:
    from eqspec.cli.render.blocks import drawn
    from eqspec.commands.show import run_page as page
    from eqspec.commands.show.run import show_run

    screen.after_error = audit_arguments(run, runs=runs)
    found = show_run(run, root=runs)
    if as_json:
        screen.show_json(page.as_data(found))
    else:
        screen.show(drawn(tuple(page.blocks(found)), width=screen.width))
    data = unknown_data(run)
    screen.suggest(*page.after(found, elsewhere=runs_arguments(runs), data=data))
    return 0
