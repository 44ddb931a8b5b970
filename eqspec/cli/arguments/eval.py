"""Arguments and output of `eqspec eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eqspec.cli.options import (
    RUNS,
    Data,
    Json,
    Run,
    Runs,
    Sets,
    adding_remembered_data,
    data_locations,
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
    run: Run,
    uses: Annotated[
        list[str] | None,
        typer.Option("--use", metavar="NAME", help="Evaluation card to use. Repeatable."),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option(metavar="SPEC", help="Use the evaluations of this edition of the run's spec."),
    ] = None,
    sets: Sets = None,
    data: Data = None,
    runs: Runs = RUNS,
    as_json: Json = False,
) -> int:
    """Evaluate the encoder of a run.

    Runs the evaluations of its plan that have no result yet, or others with `--use` or `--spec`.
    The run may be finished or stopped. A finished run is sealed again; the new seal names the
    previous one.
    """
    from eqspec.runs.query import find

    if uses and spec is not None:
        raise UsageError("`--use` and `--spec` exclude each other", help="give one of them")
    screen = screen_of(context, runs=runs)
    folder = find(runs, reference=run)
    from eqspec.cli.progress.eval import EvalCommand, evaluate

    chosen = [part for name in uses or () for part in ("--use", name)]
    chosen += [] if spec is None else ["--spec", str(spec)]
    given = spec_arguments(Path(run), sets=sets, data=data)
    request = EvalCommand(
        folder=folder,
        name=run,
        uses=tuple(uses or ()),
        spec=spec,
        sets=tuple(sets or ()),
        data=data_locations(data, spec=spec, runs=(folder,)),
        as_json=as_json,
        resume=("eqspec", "eval", *given, *chosen, *runs_arguments(runs)),
        then=("eqspec", "show", run, *runs_arguments(runs)),
    )
    with adding_remembered_data(screen, folder, command=request.resume, data=data):
        return evaluate(request, screen=screen)
