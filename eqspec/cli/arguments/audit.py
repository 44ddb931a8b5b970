"""`eqspec audit`: its arguments, and what it says."""

from __future__ import annotations

from typing import Annotated

import typer

from eqspec.cli.options import RUNS, Data, Json, Runs, data_places, runs_arguments, screen_of
from eqspec.commands.audit.findings import STEPS, Level

EXAMPLES = (
    "eqspec audit latest",
    "eqspec audit quickstart/7f3a --level L0",
    "eqspec audit latest --level L1 --data-full",
    "eqspec audit latest --level L4",
    "eqspec audit latest --steps 20 --json",
)


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    run: Annotated[
        str, typer.Argument(help="A run: its path, the beginning of its name, or `latest`.")
    ],
    level: Annotated[Level, typer.Option(help="How deep to look; takes in the levels before.")] = (
        Level.REPLAYS
    ),
    steps: Annotated[int, typer.Option(min=1, metavar="K", help="Steps that L2 replays.")] = STEPS,
    data: Data = None,
    data_full: Annotated[
        bool,
        typer.Option(
            "--data-full", help="L1 reads every image whose content the run knows, not some."
        ),
    ] = False,
    runs: Runs = RUNS,
    as_json: Json = False,
) -> int:
    """Checks that a run is intact, could be made again here, and replays.

    L0: every file is as it was sealed. L1: spec, code, environment and data are the same here. L2:
    the first steps, trained anew in memory, have the recorded numbers bit for bit. L4: evaluations,
    made again in memory from the kept checkpoints, have the stored numbers (L3 is not there yet).
    Ends with status 3 when a level does not hold, or cannot be checked. Changes nothing.
    """
    from eqspec.cli.render.audit import as_data, blocks
    from eqspec.cli.render.blocks import drawn
    from eqspec.commands.audit.levels import audit
    from eqspec.runs.query import find

    screen = screen_of(context)
    screen.after_error = ("eqspec", "status", *runs_arguments(runs))
    path = find(runs, reference=run)
    found = audit(
        path, root=runs, level=level, steps=steps, data=data_places(data), data_full=data_full
    )
    if as_json:
        screen.show_json(as_data(found))
    else:
        screen.show(drawn(tuple(blocks(found)), width=screen.width))
    screen.suggest("eqspec", "show", found.name, *runs_arguments(runs))
    return 0 if found.holds else 3
