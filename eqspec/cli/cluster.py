"""Submission of a command as a job of a cluster, instead of carrying it out here."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eqspec.cli.options import runs_arguments
from eqspec.cli.time_limit import seconds_of
from eqspec.errors import EqspecError, UsageError

if TYPE_CHECKING:
    from eqspec.cli.screen import Screen
    from eqspec.commands.planning.plans import Planned
    from eqspec.launch.jobs import JobRequest


class LauncherName(StrEnum):
    """Where processes are started."""

    LOCAL = "local"
    SLURM = "slurm"


Launcher = Annotated[
    LauncherName,
    typer.Option(help="Run on this machine, or submit to a Slurm cluster."),
]
Cluster = Annotated[
    list[str] | None,
    typer.Option(
        "--slurm",
        metavar="KEY=VALUE",
        help="Option of the Slurm job: nodes, time (12h), gpus (per node), and any of sbatch, such "
        "as partition, account, qos, cpus-per-task. Repeatable.",
    ),
]

OWN = ("nodes", "time", "gpus")
"""Keys of `--slurm` that are not simply passed on to sbatch."""

_OPTIONS_HERE = ("--launcher", "--slurm")
"""Options that are not part of the command that the job carries out; each has a value."""


def job_request(launcher: LauncherName, given: Sequence[str], *, devices: int) -> JobRequest | None:
    """Return what a job asks of the cluster; None if the command runs here.

    Args:
        given: of `--slurm`.
        devices: on each machine.

    Raises:
        UsageError: an option is wrong, or belongs to jobs alone.
    """
    if launcher is LauncherName.LOCAL:
        if given:
            raise UsageError("`--slurm` sets options of a job", help="add --launcher slurm")
        return None
    from eqspec.launch.jobs import JobRequest  # late: what commands work with

    pairs = dict(_pair(one) for one in given)
    time = pairs.get("time")
    seconds = None if time is None else seconds_of(time, option="--slurm time=")
    return JobRequest(
        nodes=_count(pairs, "nodes") or 1,
        devices=devices,
        minutes=None if seconds is None else ceil(seconds / 60),
        gpus=_count(pairs, "gpus"),
        options={key: value for key, value in pairs.items() if key not in OWN},
    )


def _pair(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not (key and sign and value) or not key.replace("-", "").isalnum():
        message = f"`--slurm {text}` is not KEY=VALUE"
        raise UsageError(message, help="for example --slurm partition=gpu --slurm time=12h")
    return key, value


def _count(pairs: dict[str, str], key: str) -> int | None:
    text = pairs.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 5):
        raise UsageError(f"`--slurm {key}={text}`: not a number")
    return int(text)


def submit_job(request: JobRequest, planned: Planned, *, runs: Path, screen: Screen) -> int:
    """Submit this command line as a job; return the exit status."""
    try:
        from eqspec.launch.slurm import submit
    except ImportError as error:
        message = "submitting to Slurm needs the package submitit"
        raise EqspecError(message, help="pip install 'eqspec[slurm]'") from error
    names = [plan.name for plan in planned.in_order]
    job = submit(_inside(screen.arguments), request, runs=runs, names=names)
    screen.show(f"job {job.id}: {', '.join(names)}")
    screen.say(f"Its output will be in {job.output}; `scancel {job.id}` saves and stops it.")
    screen.suggest("eqspec", "status", *runs_arguments(runs))
    return 0


def _inside(arguments: Sequence[str]) -> list[str]:
    """Return the command line that a process of the job runs: this one without its job."""
    kept: list[str] = []
    passed = iter(arguments)
    for one in passed:
        name, sign, _ = one.partition("=")
        if name not in _OPTIONS_HERE:
            kept.append(one)
        elif not sign:
            next(passed, None)
    return kept
