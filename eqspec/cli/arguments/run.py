"""Arguments and output of `eqspec run`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eqspec.cli.cluster import Cluster, Launcher, LauncherName, job_request, submit_job
from eqspec.cli.options import (
    RUNS,
    Data,
    Json,
    Runs,
    Sets,
    SpecPath,
    adding_remembered_data,
    data_locations,
    option_arguments,
    runs_arguments,
    screen_of,
    spec_arguments,
)
from eqspec.cli.processes import (
    Devices,
    MaxRestarts,
    device_count,
    run_on_devices,
    starts_processes,
    this_rank,
)
from eqspec.errors import UsageError

if TYPE_CHECKING:
    from eqspec.cli.progress.run import RunCommand
    from eqspec.cli.screen import Screen
    from eqspec.commands.planning.data_locations import DataLocations
    from eqspec.commands.planning.plans import Planned
    from eqspec.commands.running.deadline import Deadline

EXAMPLES = (
    "eqspec run specs/quickstart.yaml",
    "eqspec run specs/quickstart.yaml --steps 100",
    "eqspec run specs/quickstart.yaml --time-limit 11h",
    "eqspec run specs/quickstart.yaml --devices 2",
    "eqspec run specs/sie_all_trans.yaml --launcher slurm --slurm time=12h",
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
        help="Save and stop before this much time has passed: `11h`, `90m`, `12h30m`. The same "
        "command resumes the run.",
    ),
]
Again = Annotated[
    bool,
    typer.Option(
        "--again",
        help="Run a complete run once more, in a new folder whose name ends in `.2`.",
    ),
]
Fork = Annotated[
    bool,
    typer.Option(
        "--fork",
        help="With a run folder and --set: allow overrides that change the recipe, and train a new "
        "run beside the folder, from step 0.",
    ),
]
Retry = Annotated[
    bool,
    typer.Option("--retry", help="Resume a run that failed, from its last checkpoint."),
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
    devices: Devices = None,
    max_restarts: MaxRestarts = 0,
    launcher: Launcher = LauncherName.LOCAL,
    slurm: Cluster = None,
    as_json: Json = False,
) -> int:
    """Train and evaluate a spec, or resume its run.

    SPEC may also be a plan written by `eqspec plan -o`, or a run: its folder, the start of its
    name, or `latest`. The variants of `compare:` run first, each in a folder of its own; one table
    compares them all. Ctrl-C finishes the current step, saves and stops; the same command resumes
    from there.
    """
    deadline = _deadline(time_limit)  # it includes the time to import torch
    screen, spec = screen_of(context, runs=runs), _run_or_spec(spec, runs=runs)
    given = spec_arguments(spec, sets=sets, data=data)
    # `check` would find the same mistake in the same arguments; the help line says what to do.
    screen.after_error = ("eqspec", "show", str(spec)) if (folder := is_run(spec)) else ()
    where = data_locations(data, spec=spec)
    planned = _planned(spec, sets=sets or (), where=where, fork=fork)
    if (job := job_request(launcher, slurm or (), devices=device_count(devices))) is not None:
        return submit_job(job, planned, runs=runs, screen=screen)
    if starts_processes(device_count(devices)):
        return run_on_devices(device_count(devices), max_restarts=max_restarts, screen=screen)
    _announce(planned, screen=screen)
    # Imported late, so that a mistake in the spec is reported at once: torch takes seconds.
    from eqspec.cli.progress.run import RunCommand
    from eqspec.commands.running.options import RunOptions

    root = spec.absolute().parent.parent if folder else runs
    options = RunOptions(root, where, steps, again=again, retry=retry, deadline=deadline)
    kept = option_arguments(again=again, fork=fork, retry=retry, time_limit=time_limit)
    together = option_arguments(devices=devices, max_restarts=max_restarts)
    rest = ("eqspec", "run", *given, *runs_arguments(runs), *kept, *together)
    again_with = _replicate(spec, planned, data=data, sets=sets or [], runs=runs)
    resume = (*rest, *option_arguments(steps=steps))
    request = RunCommand(options, as_json, resume=resume, rest=rest, replicate=again_with)
    return _start(planned, request, run=spec if folder else None, data=data, screen=screen)


def is_run(given: Path) -> bool:
    """Return whether a path is that of a run folder."""
    return (given / "plan.json").is_file()


def _announce(planned: Planned, *, screen: Screen) -> None:
    screen.warn(planned.warnings)
    screen.say(f"Runs to do: {', '.join(plan.name for plan in planned.in_order)}.")


def _start(
    planned: Planned,
    request: RunCommand,
    *,
    run: Path | None,
    data: list[str] | None,
    screen: Screen,
) -> int:
    """Carry out the runs; return the exit status.

    Args:
        run: the folder that the command names.
    """
    from eqspec.cli.progress.run import run_series

    screen.after_error = ()  # errors of a run carry their own suggestions
    with adding_remembered_data(screen, run, command=request.resume, data=data):
        return run_series(planned, request, screen=screen, rank=this_rank())


def _deadline(time_limit: str | None) -> Deadline | None:
    from eqspec.cli.time_limit import seconds_of
    from eqspec.commands.running.deadline import Deadline

    return None if time_limit is None else Deadline.after(seconds_of(time_limit))


def _run_or_spec(given: Path, *, runs: Path) -> Path:
    """Return the folder of the run that is named, unless there is a spec or a folder."""
    from eqspec.commands.planning.read_spec import locate_spec
    from eqspec.runs.query import LATEST, Ambiguous, find

    if given.suffix in {".yaml", ".yml"} or locate_spec(given).exists():
        return given
    try:
        return find(runs, reference=str(given))
    except Ambiguous:
        raise
    except UsageError:
        if str(given) == LATEST:
            raise
        return given  # neither: the error about a missing spec says more


def _planned(spec: Path, *, sets: Sequence[str], where: DataLocations, fork: bool) -> Planned:
    """Return the plan of a spec, a saved plan, or the plan of a run folder with overrides."""
    from eqspec.commands.planning.plans import plan_spec
    from eqspec.commands.running.fork import plan_folder

    if is_run(spec) and (sets or fork):
        return plan_folder(spec, overrides=sets, data=where, fork=fork)
    if fork:
        raise UsageError(
            f"`--fork` needs a run folder, and `{spec}` is not one",
            help="leave it out: an edited spec with a new recipe gets a new folder anyway",
        )
    return plan_spec(spec, overrides=sets, data=where, fetch=True)


def _replicate(
    spec: Path, planned: Planned, *, data: list[str] | None, sets: list[str], runs: Path
) -> tuple[str, ...]:
    """Return the command that trains with another seed; a saved plan allows no overrides."""
    from eqspec.commands.planning.plan_files import is_plan

    if spec.is_file() and is_plan(spec):
        return ("eqspec", "status", *runs_arguments(runs))
    others = [one for one in sets if one.partition("=")[0] != "seed"]
    seeded = spec_arguments(spec, sets=[*others, f"seed={planned.plan.seed + 1}"], data=data)
    fork = ("--fork",) if is_run(spec) else ()
    return ("eqspec", "run", *seeded, *runs_arguments(runs), *fork)
