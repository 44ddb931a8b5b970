"""The process group of a training: joined before it, left after it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

import torch
from torch import distributed
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from eqspec.build.parallel.replicas import Replicas
from eqspec.build.parallel.strategy import Strategy
from eqspec.build.program import SINGLE, choose_device
from eqspec.errors import EqspecError, UsageError
from eqspec.launch.rank import Rank
from eqspec.nn.world import World

PATIENCE = timedelta(hours=24)
"""Longest that a process waits for the others: one of them may evaluate for hours.

That one has died is noticed at once, by its closed connections or by the launcher.
"""

JOINING = timedelta(minutes=10)
"""Longest that a process waits for the others to start."""


@contextmanager
def joined(rank: Rank | None, *, device: str) -> Generator[Strategy]:
    """Connect this process with the others, and return how they share a training.

    Args:
        rank: of this process; None if it is the only one.
        device: `machine.device` of the plan. Each process uses the device of its local rank.

    Raises:
        UsageError: this machine has fewer devices than processes.
        EqspecError: the others could not be reached.
    """
    if rank is None:
        yield SINGLE
        return
    backend = "gloo"
    if choose_device(device).type == "cuda":
        _use_own_device(rank)
        backend = "cpu:gloo,cuda:nccl"
    _end_with_launcher()
    _connect(rank, backend=backend)
    yield Replicas(World(rank=rank.index, size=rank.size))
    # Not after an error: it might wait for processes that have ended.
    distributed.destroy_process_group()


def _use_own_device(rank: Rank) -> None:
    count = torch.cuda.device_count()
    if count < rank.local_size:
        raise UsageError(
            f"{rank.local_size} processes need as many CUDA devices, and this machine has {count}",
            help=f"--devices {count}, or train on the CPU: --set machine.device=cpu",
        )
    torch.cuda.set_device(rank.local)


def _connect(rank: Rank, *, backend: str) -> None:
    # The launcher's own store, if it has one, is found through the environment.
    os.environ.update(MASTER_ADDR=rank.address, MASTER_PORT=str(rank.port))  # noqa: TID251 - torch reads it
    try:
        found = rendezvous("env://", rank.index, rank.size, timeout=JOINING)
        store = PrefixStore("eqspec", next(found)[0])
        distributed.init_process_group(
            backend, store=store, rank=rank.index, world_size=rank.size, timeout=PATIENCE
        )
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EqspecError(
            f"{rank} cannot reach the others at {rank.address}:{rank.port}: {reason}",
            help="check that all processes were started and may connect to that port",
        ) from error


def _end_with_launcher() -> None:
    """Save and stop if the launcher is killed, instead of training on unobserved."""
    launcher = os.getppid()

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
