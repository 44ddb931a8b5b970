"""Processes of a training on this machine, started and watched by torch's elastic agent."""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from eqspec.build.cores import usable_cores
from eqspec.errors import PeerLost

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

TIME_TO_SAVE = 600
"""Seconds that processes have to finish a step and save, once they are asked to stop."""

WATCHED_EVERY = 0.2
"""Seconds between two looks at the processes."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How processes that were started together ended.

    Attributes:
        status: exit status of the command: that of the process that failed first, or 0.
        rank: of that process; None if none failed.
        killed: signal that ended it from outside; None if it ended by itself.
    """

    status: int
    rank: int | None = None
    killed: signal.Signals | None = None

    @property
    def lost(self) -> bool:
        """Whether a process ended for no reason of its own, so that a restart may help."""
        return self.killed is not None or self.status == PeerLost.exit_status


def run_ranks(arguments: Sequence[str], *, count: int) -> Ended:
    """Run `eqspec ARGUMENTS` as several processes, and wait for all of them.

    Once one fails, the others are stopped. Ctrl-C and SIGTERM are passed on to all, which then have
    `TIME_TO_SAVE`; a second one stops them at once.

    Args:
        arguments: of the command line, without the program.
        count: number of processes.
    """
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        monitor_interval=WATCHED_EVERY,
        shutdown_timeout=TIME_TO_SAVE,
    )
    with _quiet_agent(), _shared_cores(count):
        try:
            elastic_launch(config, sys.executable)("-m", "eqspec", *arguments)
        except ChildFailedError as error:
            return _first(error.failures)
        except SignalException as error:
            return Ended(128 + error.sigval)
    return Ended(0)


def _first(failures: Mapping[int, ProcessFailure]) -> Ended:
    """Return the failure that was the cause of the others.

    Not those that lost a peer, or that the agent stopped, if there is another one.
    """
    effects = {PeerLost.exit_status, -signal.SIGTERM, 128 + signal.SIGTERM}
    found = sorted(failures.items(), key=lambda each: (each[1].timestamp, each[0]))
    causes = [each for each in found if each[1].exitcode not in effects]
    rank, first = (causes or found)[0]
    if first.exitcode >= 0:
        return Ended(first.exitcode, rank)
    return Ended(128 - first.exitcode, rank, killed=signal.Signals(-first.exitcode))


@contextmanager
def _quiet_agent() -> Generator[None]:
    """Keep the agent's log off the screen: what matters in it is said in our words."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@contextmanager
def _shared_cores(count: int) -> Generator[None]:
    """Give each process its share of the cores, unless the user has set a number of threads."""
    name = "OMP_NUM_THREADS"
    if name in os.environ:  # noqa: TID251 - the launcher sets the environment of its processes
        yield
        return
    os.environ[name] = str(max(1, usable_cores() // count))  # noqa: TID251
    try:
        yield
    finally:
        del os.environ[name]  # noqa: TID251
