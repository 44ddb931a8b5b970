"""Rank of this process, from the variables that its launcher has set. Free of torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from eqspec.errors import UsageError

SRUN_PORTS = range(20_000, 30_000)
"""Ports from which the ranks of an srun choose theirs: all must find the same one by themselves."""


@dataclass(frozen=True, slots=True)
class Rank:
    """One of several processes that train together.

    Attributes:
        index: its rank, from 0.
        size: number of processes, on all machines.
        local: its rank among the processes of its machine, which selects its device.
        local_size: number of processes on its machine.
        address: host of rank 0.
        port: on which rank 0 listens.
        launcher: the program that started it.
    """

    index: int
    size: int
    local: int
    local_size: int
    address: str
    port: int
    launcher: str

    @property
    def main(self) -> bool:
        """Whether this is rank 0, the process that writes files and talks to the user."""
        return self.index == 0

    def __str__(self) -> str:
        return f"rank {self.index} of {self.size}"


def rank_of(environment: Mapping[str, str]) -> Rank | None:
    """Return this process's rank; None if it is the only one.

    Args:
        environment: of this process.

    Raises:
        UsageError: several processes were started in a way that does not say how to connect them.
    """
    if _number(environment, "WORLD_SIZE") > 1 and "RANK" in environment:
        return _of_torchrun(environment)
    # A batch script is one process although its job has many tasks; a step has started all.
    if _number(environment, "SLURM_STEP_NUM_TASKS") > 1 and "SLURM_PROCID" in environment:
        return _of_srun(environment)
    count = _number(environment, "OMPI_COMM_WORLD_SIZE")
    if count > 1:
        raise UsageError(
            f"mpirun started {count} processes, and eqspec does not know how to connect them",
            help="start eqspec once with --devices, or with torchrun or srun",
        )
    return None


def _of_torchrun(environment: Mapping[str, str]) -> Rank:
    missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if not environment.get(name)]
    if missing:
        size = environment["WORLD_SIZE"]
        raise UsageError(
            f"WORLD_SIZE is {size}, but {' and '.join(missing)} are not set",
            help="start the processes with torchrun, or unset WORLD_SIZE and RANK",
        )
    return Rank(
        index=_number(environment, "RANK"),
        size=_number(environment, "WORLD_SIZE"),
        local=_number(environment, "LOCAL_RANK"),
        local_size=max(1, _number(environment, "LOCAL_WORLD_SIZE")),
        address=environment["MASTER_ADDR"],
        port=_number(environment, "MASTER_PORT"),
        launcher="torchrun",
    )


def _of_srun(environment: Mapping[str, str]) -> Rank:
    size = _number(environment, "SLURM_STEP_NUM_TASKS")
    nodes = max(1, _number(environment, "SLURM_STEP_NUM_NODES"))
    job, step = _number(environment, "SLURM_JOB_ID"), _number(environment, "SLURM_STEP_ID")
    port = SRUN_PORTS[(job * 131 + step) % len(SRUN_PORTS)]
    return Rank(
        index=_number(environment, "SLURM_PROCID"),
        size=size,
        local=_number(environment, "SLURM_LOCALID"),
        local_size=max(1, size // nodes),
        address=environment.get("MASTER_ADDR")
        or first_host(environment.get("SLURM_STEP_NODELIST", "localhost")),
        port=_number(environment, "MASTER_PORT") or port,
        launcher="srun",
    )


def first_host(nodes: str) -> str:
    """Return the first host of a list as Slurm writes it: `n[03-05,9],m1` begins with `n03`."""
    match = re.match(r"([^\[,]*)(?:\[([0-9]+)[^\]]*\]([^,\[]*))?", nodes)
    assert match is not None, "the pattern matches the empty string"
    name, number, rest = match.groups()
    return name + (number or "") + (rest or "")


def _number(environment: Mapping[str, str], name: str) -> int:
    """Return a variable as a number; 0 if it is not set or no number."""
    text = environment.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
