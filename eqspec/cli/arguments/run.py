"""`eqspec run`: its arguments, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eqspec.cli.options import (
    RUNS,
    Data,
    Json,
    Runs,
    Sets,
    SpecPath,
    data_places,
    runs_arguments,
    screen_of,
    spec_arguments,
)
from eqspec.errors import UsageError

if TYPE_CHECKING:
    from eqspec.commands.planning.data_places import DataPlaces
    from eqspec.commands.planning.plans import Planned

EXAMPLES = (
    "eqspec run specs/quickstart.yaml",
    "eqspec run specs/quickstart.yaml --steps 100",
    "eqspec run specs/quickstart.yaml --time-limit 11h",
    "eqspec run specs/quickstart.yaml --set seed=1 --runs elsewhere",
    "eqspec run specs/quickstart.yaml --json > table.json",
    "eqspec run runs/quickstart/1a2b3c4d-s0 --set equivariance.lambda=1 --fork",
)

Steps = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Stop after N steps of each training.")
]
TimeLimit = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Save and stop before so much time has passed: `11h`, `90m`, `12h30m`. The same "
        "command goes on.",
    ),
]
Again = Annotated[
    bool,
    typer.Option(
        "--again",
        help="Make what is complete once more, beside it, in a folder whose name ends in `.2`.",
    ),
]
Fork = Annotated[
    bool,
    typer.Option(
        "--fork",
        help="With a run folder and --set: where that trains something else, make it a run of its "
        "own beside the folder, from step 0. Without it such a change is refused.",
    ),
]
Retry = Annotated[
    bool,
    typer.Option("--retry", help="Go on with a run that has failed, from its last checkpoint."),
]


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    spec: SpecPath,
    sets: Sets = None,
    data: Data = None,
    runs: Runs = RUNS,
    steps: Steps = None,
    time_limit: TimeLimit = None,
    again: Again = False,
    fork: Fork = False,
    retry: Retry = False,
    as_json: Json = False,
) -> int:
    """Trains and judges a spec, or goes on where that stopped.

    SPEC may also be a plan that `eqspec plan -o` has written, or a run folder. The variants of
    `compare:` come first, each a run of its own; one table compares them all. Ctrl-C finishes the
    step, saves and stops; the same command goes on from there.
    """
    from eqspec.cli.time_limit import seconds_of
    from eqspec.commands.running.deadline import Deadline

    # From here on time counts: importing torch is a part of it.
    deadline = None if time_limit is None else Deadline.after(seconds_of(time_limit))
    screen, given = screen_of(context), spec_arguments(spec, sets=sets, data=data)
    folder = (spec / "plan.json").is_file()
    screen.after_error = ("eqspec", "show", str(spec)) if folder else ("eqspec", "check", *given)
    where = data_places(data, spec=spec)
    planned = _planned(spec, sets=sets or (), where=where, fork=fork)
    screen.warn(planned.warnings)
    screen.say(f"To be run: {', then '.join(plan.name for plan in planned.in_order)}.")
    # Only now, so that a wrong spec is refused at once: importing torch takes seconds.
    from eqspec.cli.progress.run import Asked, run_series
    from eqspec.commands.running.series import Manner

    root = spec.absolute().parent.parent if folder else runs
    manner = Manner(root=root, data=where, steps=steps, again=again, retry=retry, deadline=deadline)
    flags = [flag for flag, given in (("--again", again), ("--fork", fork)) if given]
    limit = () if time_limit is None else ("--time-limit", time_limit)
    asked = Asked(
        manner=manner,
        as_json=as_json,
        again=("eqspec", "run", *given, *runs_arguments(runs), *flags, *limit),
        replicate=_replicate(spec, planned, data=data, sets=sets or [], runs=runs),
    )
    screen.after_error = ()  # errors of a run say themselves what mends them
    return run_series(planned, asked, screen=screen)


def _planned(spec: Path, *, sets: Sequence[str], where: DataPlaces, fork: bool) -> Planned:
    """The plan that is meant: a spec's, a saved one, or a folder's with something set anew."""
    from eqspec.commands.planning.plans import plan_spec
    from eqspec.commands.running.fork import plan_folder

    is_folder = (spec / "plan.json").is_file()
    if is_folder and (sets or fork):
        return plan_folder(spec, overrides=sets, data=where, fork=fork)
    if fork:
        raise UsageError(
            f"--fork is for a run folder, and `{spec}` is none",
            help="an edited spec needs no fork: another recipe has another folder of its own",
        )
    return plan_spec(spec, overrides=sets, data=where, fetch=True)


def _replicate(
    spec: Path, planned: Planned, *, data: list[str] | None, sets: list[str], runs: Path
) -> tuple[str, ...]:
    """The command that does the same with another seed; in a saved plan nothing can be set."""
    from eqspec.commands.planning.plan_files import is_plan

    if spec.is_file() and is_plan(spec):
        return ("eqspec", "status", *runs_arguments(runs))
    others = [one for one in sets if one.partition("=")[0] != "seed"]
    seeded = spec_arguments(spec, sets=[*others, f"seed={planned.plan.seed + 1}"], data=data)
    fork = ("--fork",) if (spec / "plan.json").is_file() else ()
    return ("eqspec", "run", *seeded, *runs_arguments(runs), *fork)
