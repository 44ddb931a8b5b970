"""Refuse to start training as one of several processes: training uses one process and device."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

import typer

from eqspec.errors import UsageError

_LAUNCHERS = (
    ("torchrun", "WORLD_SIZE", "RANK"),
    ("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),  # a batch script itself is one process
    ("mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
)
"""Launcher, and its environment variables for the number of processes and the rank of this one."""

FIRST_REPORTS = 10.0
"""Seconds that the other processes wait: a launcher stops all once one has failed, and the first
has to be the one that fails, for it has something to report."""


def refuse_several_processes(command: str) -> None:
    """End a command that was started as one of several processes.

    Each process would train the whole run, and all but one would fail to lock its folder.

    Args:
        command: name of the command, such as `run`.

    Raises:
        UsageError: in the process of rank 0.
        Exit: in all others, after `FIRST_REPORTS`, with the same exit status and no output.
    """
    environment: Mapping[str, str] = os.environ  # noqa: TID251 - the CLI reads the environment
    for launcher, size, rank in _LAUNCHERS:
        processes = environment.get(size, "")
        if not processes.isdecimal() or int(processes) < 2:
            continue
        if environment.get(rank, "0") != "0":
            time.sleep(FIRST_REPORTS)
            raise typer.Exit(UsageError.exit_status)
        raise UsageError(
            f"`eqspec {command}` uses a single device, but {launcher} started {processes} "
            f"processes ({size}={processes})",
            help=f"start it once, without {launcher}",
        )
