"""Jobs of a Slurm cluster: what they ask for, and their state."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eqspec.regular_files import opened
from eqspec.runs.bounded_json import parsed_json

JOBS = ".slurm"
"""Folder below that of all runs, with the scripts and the output of jobs."""

MOST_BYTES = 1 << 16
"""Longest description of a job that is read."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a job asks of the cluster.

    Attributes:
        nodes: number of machines.
        devices: processes on each, one for each device.
        minutes: length of the job; None for the partition's own.
        gpus: per machine; None to ask for none.
        options: further options of sbatch, by name without dashes: `partition`, `account`, `qos`.
    """

    nodes: int = 1
    devices: int = 1
    minutes: int | None = None
    gpus: int | None = None
    options: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class JobState:
    """A job that Slurm has not forgotten.

    Attributes:
        id: its number.
        state: in Slurm's words: `pending`, `running`, `completing` …
        runs: names of the runs that it carries out.
    """

    id: str
    state: str
    runs: tuple[str, ...]


def job_states(runs: Path) -> tuple[JobState, ...]:
    """Return the jobs of the runs in a folder that are waiting or running.

    Empty where no job was submitted, or where there is no Slurm.
    """
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((runs / JOBS).glob("*.json")):
        known = _known(path)
        if known is not None:
            found[path.stem] = known
    if not found:
        return ()
    listed = answer_of("squeue", "--noheader", "--format=%i %T", "--jobs", ",".join(found))
    states = dict(line.split() for line in listed.splitlines() if len(line.split()) == 2)
    return tuple(
        JobState(job, states[job].lower(), names) for job, names in found.items() if job in states
    )


def _known(path: Path) -> tuple[str, ...] | None:
    """Return the names of a job's runs; None if its file is not one of ours."""
    if not path.stem.isdecimal():
        return None
    try:
        with opened(path, follow=False) as file:
            known = parsed_json(file.read(MOST_BYTES))
    except (OSError, ValueError):
        return None
    names = known.get("runs") if isinstance(known, dict) else None
    return tuple(map(str, names)) if isinstance(names, list) else None


def answer_of(*command: str) -> str:
    """Return what a program of Slurm prints; nothing if it fails or is missing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
