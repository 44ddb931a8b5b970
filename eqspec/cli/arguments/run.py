"""`eqspec run`: its arguments, and what it says."""

from __future__ import annotations

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
    "eqspec run specs/quickstart.yaml",
    "eqspec run specs/quickstart.yaml --steps 100",
    "eqspec run specs/quickstart.yaml --set seed=1 --runs elsewhere",
    "eqspec run specs/quickstart.yaml --json > table.json",
)


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    spec: SpecPath,
    sets: Sets = None,
    data: Data = None,
    runs: Runs = RUNS,
    steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Stop after N steps of each training.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Trains and judges a spec, or goes on where that stopped.

    The variants of `compare:` come first, each a run of its own; one table compares them all.
    Ctrl-C finishes the step, saves and stops; the same command goes on from there.
    """
    from eqspec.commands.plans import plan_spec

    screen, given = screen_of(context), spec_arguments(spec, sets=sets, data=data)
    screen.after_error = ("eqspec", "check", *given)
    planned = plan_spec(spec, overrides=sets or (), data=data)
    screen.warn(planned.warnings)
    screen.say(f"To be run: {', then '.join(plan.name for plan in planned.in_order)}.")
    # Only now, so that a wrong spec is refused at once: importing torch takes seconds.
    from eqspec.cli.running import Asked, run_series

    again = ("eqspec", "run", *given, *runs_arguments(runs))
    other = [one for one in sets or () if one.partition("=")[0] != "seed"]
    seeded = spec_arguments(spec, sets=[*other, f"seed={planned.plan.seed + 1}"], data=data)
    asked = Asked(
        runs=runs,
        data=data,
        steps=steps,
        as_json=as_json,
        again=again,
        replicate=("eqspec", "run", *seeded, *runs_arguments(runs)),
    )
    screen.after_error = again
    return run_series(planned, asked, screen=screen)
