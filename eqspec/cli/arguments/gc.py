"""Arguments and output of `eqspec gc`."""

from __future__ import annotations

from typing import Annotated

import typer

from eqspec.cli.options import RUNS, Json, Runs, runs_arguments, screen_of

EXAMPLES = (
    "eqspec gc --dry-run",
    "eqspec gc --runs elsewhere",
)


def command(
    context: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be deleted; delete nothing.")
    ] = False,
    runs: Runs = RUNS,
    as_json: Json = False,
) -> int:
    """Delete files that no run needs.

    These are checkpoints that `keep:` does not ask for, and temporary files of interrupted writes.
    Runs in progress are skipped; sealed runs are sealed again.
    """
    from eqspec.cli.render.blocks import drawn
    from eqspec.commands.gc.collect import gc
    from eqspec.commands.gc.page import as_data, blocks

    screen = screen_of(context, runs=runs)
    found = gc(runs, dry_run=dry_run)
    if as_json:
        screen.show_json(as_data(found, dry_run=dry_run))
    else:
        page = tuple(blocks(found, dry_run=dry_run))
        screen.show(drawn(page, width=screen.wrap))
    then = "gc" if dry_run and found.freed else "status"
    screen.suggest("eqspec", then, *runs_arguments(runs))
    return 0
