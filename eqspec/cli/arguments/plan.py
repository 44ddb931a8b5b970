"""`eqspec plan`: its arguments, and what it says."""

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
    runs_arguments,
    screen_of,
    spec_arguments,
)

EXAMPLES = (
    "eqspec plan specs/quickstart.yaml",
    "eqspec plan specs/quickstart.yaml --set equivariance.lambda=10",
    "eqspec plan specs/quickstart.yaml -o quickstart.plan",
)


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    spec: SpecPath,
    sets: Sets = None,
    data: Data = None,
    runs: Runs = RUNS,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the plan, as JSON.")
    ] = None,
    trace: Annotated[
        bool, typer.Option(help="Count parameters and operations, which takes torch.")
    ] = True,
    as_json: Json = False,
) -> int:
    """Shows what would run, and what it costs.

    Choices, views, graph, training, parameters, evaluations and the run's folder. Changes nothing.
    """
    from eqspec.cli.render import plan as page
    from eqspec.commands.plan import plan as describe
    from eqspec.runs.artifacts import write_text

    screen, given = screen_of(context), spec_arguments(spec, sets=sets, data=data)
    screen.after_error = ("eqspec", "check", *given)
    planning = describe(spec, runs=runs, overrides=sets or (), data=data, traced=trace)
    screen.warn(planning.warnings)
    if out is not None:
        write_text(out, text=planning.own.plan.model_dump_json(indent=1, by_alias=True) + "\n")
    if as_json:
        screen.show_json(planning.as_data())
    else:
        screen.show(page.planned(planning, width=screen.width))
    if out is not None:
        screen.say(f"The plan is in {out}.")
    screen.suggest("eqspec", "run", *given, *runs_arguments(runs))
    return 0
