"""Arguments and output of `eqspec status`."""

from __future__ import annotations

import typer

from eqspec.cli.options import RUNS, Json, Runs, audit_arguments, runs_arguments, screen_of

EXAMPLES = (
    "eqspec status",
    "eqspec status --runs elsewhere",
    "eqspec status --json",
)


def command(context: typer.Context, *, runs: Runs = RUNS, as_json: Json = False) -> int:
    """List all runs and their state.

    Shows each run's progress, latest result and disk space, and which cards or ops have changed
    their rev since.
    """
    from eqspec.cli.render.blocks import drawn
    from eqspec.commands.status.overview import status
    from eqspec.commands.status.page import as_data, blocks

    screen = screen_of(context)
    found = status(runs)
    if as_json:
        screen.show_json(as_data(found))
    elif found.runs or found.unreadable or found.jobs:
        screen.show(drawn(tuple(blocks(found)), width=screen.wrap))
    else:
        screen.say(f"There are no runs in {runs}.")
        screen.suggest("eqspec", "run", "quickstart", *runs_arguments(runs))
        return 0
    if found.damaged is not None:
        screen.suggest(*audit_arguments(found.damaged, runs=runs))
    elif found.runs:
        screen.suggest("eqspec", "show", "latest", *runs_arguments(runs))
    else:  # jobs that have not begun
        screen.suggest("eqspec", "status", *runs_arguments(runs))
    return 0
