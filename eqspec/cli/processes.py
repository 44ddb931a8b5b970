"""Several processes of one command: those that it starts, and those that it is one of."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated

import typer

from eqspec.errors import EqspecError, UsageError
from eqspec.launch.rank import Rank, rank_of

if TYPE_CHECKING:
    from eqspec.cli.screen import Screen
    from eqspec.launch.local import Ended

TOGETHER = frozenset({"run"})
"""Commands that several processes can carry out together."""

Devices = Annotated[
    str | None,
    typer.Option(
        metavar="N|auto",
        help="Train on N devices of this machine, one process each; `auto`: all its GPUs. On a CPU "
        "the processes share its cores.",
    ),
]
MaxRestarts = Annotated[
    int,
    typer.Option(
        min=0,
        metavar="N",
        help="Start again from the last checkpoint, up to N times, when a process is killed.",
    ),
]

MAIN_FIRST = 5.0
"""Seconds that other processes wait with an error: the main one reports it, if it has the same.

A launcher stops all once one has failed, so the first to end should be the one with the cause.
"""


def this_rank() -> Rank | None:
    """Return which of several processes this one is; None if it is the only one.

    Raises:
        UsageError: several processes were started, and cannot be connected.
    """
    return rank_of(os.environ)  # noqa: TID251 - the CLI reads the environment


def take_part(command: str | None, *, screen: Screen) -> None:
    """Prepare to be one of several processes: only the main one prints.

    Args:
        command: its name.

    Raises:
        UsageError: the command uses a single process.
    """
    rank = this_rank()
    if rank is None:
        return
    if not rank.main:
        screen.follow(str(rank))
    if command not in TOGETHER:
        raise UsageError(
            f"`eqspec {command}` uses a single process, but {rank.launcher} started {rank.size}",
            help=f"start it once, without {rank.launcher}",
        )


def wait_for_main() -> None:
    """Wait with an error until the main process has reported the same one and all are stopped."""
    time.sleep(MAIN_FIRST)


def device_count(given: str | None) -> int:
    """Return the number of processes that `--devices` asks for; 1 without it.

    Raises:
        UsageError: it is no number, or more than there are.
    """
    if given is None:
        return 1
    rank = this_rank()
    if given == "auto":
        import torch  # late, as it takes seconds

        return max(1, torch.cuda.device_count()) if rank is None else rank.size
    if not (given.isascii() and given.isdecimal() and 0 < len(given) < 5 and int(given)):
        raise UsageError(
            f"`--devices {given}` is neither a number of devices nor `auto`",
            help="--devices 2, or --devices auto for all GPUs",
        )
    if rank is not None and rank.local_size != int(given):
        raise UsageError(
            f"`--devices {given}`, but {rank.launcher} started {rank.local_size} processes here",
            help=f"leave --devices out: {rank.launcher} has started the processes already",
        )
    return int(given)


def starts_processes(count: int) -> bool:
    """Return whether this command has to start the processes: it is none of them itself."""
    return count > 1 and this_rank() is None


def run_on_devices(count: int, *, max_restarts: int, screen: Screen) -> int:
    """Carry out this command line as several processes of this machine; return its exit status.

    Args:
        max_restarts: how often to start again after a process was killed.

    Raises:
        EqspecError: a process was killed, and no restart is left.
    """
    from eqspec.launch.local import run_ranks  # late, as it imports torch

    screen.after_error = ()
    for left in reversed(range(max_restarts + 1)):
        ended = run_ranks(screen.arguments, count=count)
        if not ended.lost:
            screen.has_suggested = True  # in the main process
            return ended.status
        if not left:
            raise _killed(ended, count=count)
        screen.say(
            f"{_what_happened(ended, count=count)}. "
            f"Starting again from the last checkpoint ({left - 1} restarts left)."
        )
    raise AssertionError("the last attempt returns or raises")


def _killed(ended: Ended, *, count: int) -> EqspecError:
    return EqspecError(
        _what_happened(ended, count=count),
        help="the kernel kills a process when memory is exhausted, see `dmesg`; the same command "
        "resumes from the last checkpoint, and --max-restarts N does so by itself",
    )


def _what_happened(ended: Ended, *, count: int) -> str:
    if ended.killed is None:
        return f"the {count} processes lost their connection"
    return f"rank {ended.rank} of {count} was killed ({ended.killed.name})"
