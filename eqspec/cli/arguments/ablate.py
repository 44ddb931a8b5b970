"""Arguments and output of `eqspec ablate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eqspec.cli.options import (
    RUNS,
    Data,
    Json,
    Runs,
    Sets,
    SpecPath,
    data_locations,
    option_arguments,
    runs_arguments,
    screen_of,
    spec_arguments,
)

EXAMPLES = (
    "eqspec ablate specs/quickstart.yaml --grid lambda,split --dry-run",
    "eqspec ablate specs/quickstart.yaml --grid lambda=30,300 --grid split=0.25,0.5 --seeds 3",
    "eqspec ablate specs/quickstart.yaml --grid variant --seeds 3",
    "eqspec ablate specs/quickstart.yaml --grid transform --seeds 0,1 --csv transforms.csv",
    "eqspec ablate specs/quickstart.yaml --grid equivariance.with.decoder_k.width=64,128",
)


_Grid = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        metavar="AXIS[,AXIS|=VALUES]",
        help="Axes to vary: short names or dotted paths. Without values, those of the paper. "
        "`variant` varies over the variants of `compare:`. Repeatable.",
    ),
]
_Seeds = Annotated[
    str | None,
    typer.Option(
        metavar="N|LIST", help="Number of seeds, counted up from the spec's own, or a list: 0,1,2."
    ),
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only list the runs and their progress.")]
_StopOnFailure = Annotated[
    bool, typer.Option("--stop-on-failure", help="Stop when a run fails; default: continue.")
]
_Retry = Annotated[bool, typer.Option("--retry", help="Also resume runs that failed.")]
_Csv = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write all measurements to a CSV file.")
]


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    spec: SpecPath,
    grid: _Grid = None,
    seeds: _Seeds = None,
    sets: Sets = None,
    data: Data = None,
    runs: Runs = RUNS,
    dry_run: _DryRun = False,
    stop_on_failure: _StopOnFailure = False,
    retry: _Retry = False,
    csv: _Csv = None,
    as_json: Json = False,
) -> int:
    """Train a spec at every point of a grid.

    Each point and seed is an ordinary run. Finished runs are reused and stopped runs are resumed.
    A table shows the mean over seeds at every point, next to the untrained encoders and the
    controls. The variants of `compare:` form the axis `variant`; other grids leave them out.
    """
    from eqspec.commands.ablate.grid import read_grid
    from eqspec.commands.ablate.study import compile_grid

    screen, given = screen_of(context), spec_arguments(spec, sets=sets, data=data)
    screen.after_error = ("eqspec", "ablate", "--help")
    requested = read_grid(grid or (), seeds=seeds)
    where = data_locations(data, spec=spec)
    study = compile_grid(spec, requested, runs=runs, overrides=sets or (), data=where)
    screen.warn(study.warnings)
    # Imported late, so that a mistake in the grid is reported at once: torch takes seconds.
    from eqspec.cli.progress.ablate import AblateCommand, run_study, show_plan
    from eqspec.commands.running.options import RunOptions

    axes = [part for one in grid or () for part in ("--grid", one)]
    without = ("eqspec", "ablate", *given, *axes, *runs_arguments(runs), *option_arguments(csv=csv))
    kept = option_arguments(seeds=seeds, retry=retry, stop_on_failure=stop_on_failure)
    resume = (*without, *kept)
    screen.after_error = ()
    if dry_run:
        return show_plan(study, resume=resume, as_json=as_json, screen=screen)
    request = AblateCommand(
        options=RunOptions(runs, where, retry=retry),
        stop_on_failure=stop_on_failure,
        csv=csv,
        as_json=as_json,
        resume=resume,
        seeded=without,
    )
    return run_study(study, request, screen=screen)
