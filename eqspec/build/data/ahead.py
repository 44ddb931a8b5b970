"""Batches prepared ahead by worker processes, which share the memory of their pixels.

Through a pipe, the pixels of 256 pairs of 224 px take a third of a second. Shared memory that
is inherited needs no /dev/shm, of which containers have little.
"""

from __future__ import annotations

import math
import mmap
import multiprocessing
import os
import signal
import threading
import time
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from eqspec.build.data.workers import BATCHES_AHEAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

IN_USE = 2
"""Batches whose pixels are not overwritten yet: the one that was returned last, and one before."""

Prepared = TypeVar("Prepared")


class SharedPixels:
    """Memory for the pixels of the batches under way, written by workers and read by their parent.

    A batch's pixels are overwritten once the next batch but one is asked for.

    Args:
        shapes: of a batch's arrays, uint8.
        workers: number of processes that prepare batches.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], *, workers: int) -> None:
        self._shapes = tuple(shapes)
        self._sizes = [math.prod(shape) for shape in self._shapes]
        self._count = workers * BATCHES_AHEAD + IN_USE
        self._memory = mmap.mmap(-1, max(1, self._count * sum(self._sizes)))

    def arrays(self, step: int) -> list[NDArray[np.uint8]]:
        """Return the arrays of the batch of a step."""
        start = step % self._count * sum(self._sizes)
        found: list[NDArray[np.uint8]] = []
        for shape, size in zip(self._shapes, self._sizes, strict=True):
            flat = np.frombuffer(self._memory, np.uint8, count=size, offset=start)
            found.append(flat.reshape(shape))
            start += size
        return found


def shared_pixels(shapes: Sequence[tuple[int, ...]], *, workers: int) -> SharedPixels | None:
    """Return memory that workers will inherit; None where they are not forked."""
    if multiprocessing.get_start_method() != "fork":
        return None
    return SharedPixels(shapes, workers=workers)


def prepared_ahead(
    each_step: Dataset[Prepared], wanted: range, *, workers: int
) -> Iterator[Prepared]:
    """Yield the items of a dataset in order, prepared by worker processes."""
    loader = DataLoader(
        each_step,
        batch_size=None,
        sampler=wanted,
        num_workers=workers,
        prefetch_factor=BATCHES_AHEAD,
        # The default would take a number from torch's global generator.
        generator=torch.Generator(),
        worker_init_fn=_end_with_parent,
    )
    with _deaf_to_interrupts():
        prepared = iter(loader)
    yield from prepared


def _end_with_parent(worker: int) -> None:  # noqa: ARG001 - torch passes its number
    """End a worker whose parent was killed, even while it waits for its batch to be taken.

    A signal to the parent's whole group does not reach it: the parent still needs the batch under
    way when it is asked to save and stop.
    """
    parent = os.getppid()
    os.setpgid(0, 0)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Start processes in the `with` block that ignore Ctrl-C; their parent ends them.

    A terminal sends it to all of them. A signal mask is inherited however a process is started, so
    that not even one that is still importing shows a traceback.
    """
    if multiprocessing.get_start_method() != "fork":
        # Python's tracker of shared memory unblocks the signal when it is started.
        resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
