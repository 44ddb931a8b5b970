"""Runs as jobs of a Slurm cluster, submitted through submitit.

A job is the same command, started by srun as one process for each device. Slurm warns it with
SIGUSR1 before its time is over; then it saves, and is queued again under the same number. A job
that is preempted gets SIGTERM, saves, and is queued again too.

Importing this module imports submitit, which is optional: `pip install 'eqspec[slurm]'`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from submitit import SlurmExecutor
from submitit.helpers import DelayedSubmission

from eqspec.errors import UsageError
from eqspec.launch.jobs import JOBS, JobRequest, answer_of
from eqspec.runs.artifacts import canonical_json, write_text

WARNED_BEFORE = 120
"""Seconds before the end of a job's time at which it is asked to save."""

MOST_REQUEUES = 10_000
"""Submitit stops a job that has run out of time so often; a long training may."""

RAN_OUT_OF_TIME = 128 + signal.SIGUSR1
"""Exit status of a command that Slurm has warned of the end of its time."""

STOPPED = 128 + signal.SIGTERM
"""Exit status of a command that was cancelled or preempted."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job that was submitted.

    Attributes:
        id: its number.
        folder: with its script and its output.
    """

    id: str
    folder: Path

    @property
    def output(self) -> Path:
        """What rank 0 prints."""
        return self.folder / f"{self.id}_0_log.err"


def submit(
    arguments: Sequence[str], request: JobRequest, *, runs: Path, names: Sequence[str]
) -> Job:
    """Submit `eqspec ARGUMENTS` as a job.

    Args:
        runs: folder of all runs.
        names: of the runs that the job carries out, for `eqspec status`.

    Raises:
        UsageError: this machine has no Slurm, or the request is refused.
    """
    folder = (runs / JOBS).absolute()
    try:
        executor = SlurmExecutor(folder=folder, max_num_timeout=MOST_REQUEUES)
        executor.update_parameters(**_parameters(request, name=names[-1]))
        job = executor.submit(_Command(tuple(arguments), str(Path.cwd())))
    except (RuntimeError, OSError, ValueError, subprocess.CalledProcessError) as error:
        raise UsageError(
            _reason(error), help="check `sinfo`, and the options of --slurm"
        ) from error
    known = {"id": job.job_id, "runs": list(names)}
    write_text(folder / f"{job.job_id}.json", text=canonical_json(known))
    return Job(id=job.job_id, folder=folder)


def _parameters(request: JobRequest, *, name: str) -> dict[str, object]:
    more = {"requeue": True, "signal": f"USR1@{WARNED_BEFORE}", **request.options}
    found: dict[str, object] = {
        "job_name": f"eqspec-{name}",
        "nodes": request.nodes,
        "ntasks_per_node": request.devices,
    }
    if request.minutes is not None:
        found["time"] = request.minutes
    if request.gpus is not None:
        found["gpus_per_node"] = request.gpus
    return {**found, "additional_parameters": more}


def _reason(error: Exception) -> str:
    text = str(getattr(error, "output", "") or error)
    lines = [line for line in text.splitlines() if line.strip()]
    return f"the job was not submitted: {lines[0] if lines else type(error).__name__}"


@dataclass(frozen=True, slots=True)
class _Command:
    """A command, as submitit stores it and calls it in each process of the job.

    Attributes:
        arguments: of the command line.
        folder: in which the paths among them are meant.
    """

    arguments: tuple[str, ...]
    folder: str

    def __call__(self) -> int:
        os.chdir(self.folder)
        for number in (signal.SIGUSR1, signal.SIGTERM):  # the command gets them too, and saves
            signal.signal(number, signal.SIG_IGN)
        status = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "eqspec", *self.arguments], check=False
        ).returncode
        environment = os.environ  # noqa: TID251 - of the job
        if environment.get("SLURM_PROCID") == "0" and _goes_on(status, environment["SLURM_JOB_ID"]):
            subprocess.run(["scontrol", "requeue", environment["SLURM_JOB_ID"]], check=False)  # noqa: S603, S607
        return status

    def checkpoint(self) -> DelayedSubmission:
        """Return the same command: the run continues from its own checkpoint."""
        return DelayedSubmission(self)


def _goes_on(status: int, job: str) -> bool:
    """Whether a job that has saved and ended has to be queued again."""
    return status == RAN_OUT_OF_TIME or (status == STOPPED and _is_preempted(job))


def _is_preempted(job: str) -> bool:
    shown = answer_of("scontrol", "show", "job", "--oneliner", job)
    return re.search(r"\bPreemptTime=\d", shown) is not None
