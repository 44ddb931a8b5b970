"""`eqspec eval`: its arguments, and what it says."""

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
    data_places,
    runs_arguments,
    screen_of,
    spec_arguments,
)
from eqspec.errors import UsageError

EXAMPLES = (
    "eqspec eval latest",
    "eqspec eval quickstart/edba --use effective-rank",
    "eqspec eval latest --use linear-probe --set evaluate.0.with.data=cifar10 --data cifar10=DIR",
    "eqspec eval latest --spec specs/quickstart.yaml --json",
)


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    run: Annotated[
        str, typer.Argument(help="A run: its path, the beginning of its name, or `latest`.")
    ],
    uses: Annotated[
        list[str] | None,
        typer.Option("--use", metavar="NAME", help="An evaluation card to judge by; repeatable."),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option(metavar="SPEC", help="Judge by what this spec, the run's own, says now."),
    ] = None,
    sets: Sets = None,
    data: Data = None,
    runs: Runs = RUNS,
    as_json: Json = False,
) -> int:
    """Makes the evaluations that a run lacks, whether it has finished or was stopped.

    By default those of its own plan; results that are there already are read, not made again. A
    finished run is sealed again, and its new seal names the one before.
    """
    from eqspec.runs.query import find

    screen = screen_of(context)
    screen.after_error = ("eqspec", "status", *runs_arguments(runs))
    if uses and spec is not None:
        raise UsageError("`--use` and `--spec` both say what to judge by", help="give one of them")
    folder = find(runs, reference=run)
    from eqspec.cli.progress.eval import Asked, judge

    chosen = [part for name in uses or () for part in ("--use", name)]
    chosen += [] if spec is None else ["--spec", str(spec)]
    given = spec_arguments(Path(run), sets=sets, data=data)
    asked = Asked(
        folder=folder,
        name=run,
        uses=tuple(uses or ()),
        spec=spec,
        sets=tuple(sets or ()),
        data=data_places(data, spec=spec),
        as_json=as_json,
        again=("eqspec", "eval", *given, *chosen, *runs_arguments(runs)),
        then=("eqspec", "show", run, *runs_arguments(runs)),
    )
    return judge(asked, screen=screen)
