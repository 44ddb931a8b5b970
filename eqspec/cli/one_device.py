"""Training takes one process, on one device: started as several, a command refuses to begin."""

from __future__ import annotations

import os
from collections.abc import Mapping

import typer

from eqspec.errors import UsageError

_LAUNCHERS = (
    ("torchrun", "WORLD_SIZE", "RANK"),
    ("srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),  # of a batch script there is one process
    ("mpirun", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
)
"""Launcher, and the variables in which it says how many processes there are, and which is this."""


def refuse_several_processes(command: str) -> None:
    """Ends a command that was started as one of several processes.

    Each of them would make the whole run, and all but one would fail to get its folder.

    Args:
        command: as it is called, such as `run`.

    Raises:
        UsageError: in the first of the processes.
        Exit: in every other, with the same exit status and without a word.
    """
    environment: Mapping[str, str] = os.environ  # noqa: TID251 - here the environment is read
    for launcher, size, rank in _LAUNCHERS:
        processes = environment.get(size, "")
        if not processes.isdecimal() or int(processes) < 2:
            continue
        if environment.get(rank, "0") != "0":
            raise typer.Exit(UsageError.exit_status)
        raise UsageError(
            f"`eqspec {command}` uses one device only, and {launcher} has started {processes} "
            f"processes of it ({size}={processes})",
            help=f"start it once, without {launcher}",
        )
