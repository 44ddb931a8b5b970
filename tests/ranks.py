"""Two gloo ranks as processes that live as long as the tests that use them."""

from __future__ import annotations

import multiprocessing
import uuid
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import distributed

from eqspec.nn.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch import Tensor

    Job = Callable[..., dict[str, Tensor]]


@dataclass(frozen=True)
class TwoRanks:
    """Runs the same function on two ranks; each call has a process group of its own."""

    pool: ProcessPoolExecutor
    folder: Path

    def run(self, job: Job, **arguments: Any) -> tuple[dict[str, np.ndarray], ...]:
        """What `job(world, **arguments)` returns on each rank; it must stand in a module."""
        store = str(self.folder / uuid.uuid4().hex)
        waiting = [self.pool.submit(_on_rank, rank, store, job, arguments) for rank in range(2)]
        return tuple(rank.result(timeout=600) for rank in waiting)


@contextmanager
def started_ranks(folder: Path) -> Iterator[TwoRanks]:
    """Two processes, started when the first job comes."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield TwoRanks(pool, folder)


def _on_rank(rank: int, store: str, job: Job, arguments: dict[str, Any]) -> dict[str, np.ndarray]:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    try:
        built = job(World(rank=rank, size=2), **arguments)
        return {name: tensor.detach().numpy() for name, tensor in built.items()}
    finally:
        distributed.destroy_process_group()
