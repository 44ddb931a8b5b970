"""Ranks that train together, and differentiable collectives for statistics of the global batch.

Each rank computes a loss, the trained loss is the mean over ranks, and parameter gradients are
averaged over ranks. With this convention, a statistic of the global batch has its exact gradient if
the backward pass of a gather sums over ranks, as these collectives do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import distributed
from torch.distributed import _functional_collectives as collectives

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class World:
    """Rank of this process and number of ranks.

    Rank r has the samples [r·b, (r+1)·b) of the global batch. With one rank every method is the
    identity and needs no process group.

    Attributes:
        rank: rank of this process, from 0.
        size: number of processes in the default group.
    """

    rank: int = 0
    size: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.size:
            raise ValueError(f"rank {self.rank} is not one of {self.size} ranks")

    def gather(self, x: Tensor, *, axis: int) -> Tensor:
        """Concatenate over ranks along `axis`, in rank order (the global sample order).

        The backward pass sums the gradients of all ranks and returns to each rank its own slice.
        All ranks must pass the same shape.
        """
        if self.size == 1:
            return x
        in_front = x.movedim(axis, 0).contiguous()
        return _gather_rows(in_front, ranks=self.size).movedim(0, axis)

    def sum(self, x: Tensor) -> Tensor:
        """Sum over ranks; the backward pass also sums over ranks."""
        if self.size == 1:
            return x
        reduced = torch.ops._c10d_functional.all_reduce(x.contiguous(), "sum", _group_name())  # noqa: SLF001 - torch names its functional collectives so
        return collectives.wait_tensor(reduced)

    def mean(self, x: Tensor) -> Tensor:
        """Average a floating-point tensor over ranks."""
        return x if self.size == 1 else self.sum(x) / self.size


def _gather_rows(x: Tensor, *, ranks: int) -> Tensor:
    gather = torch.ops._c10d_functional.all_gather_into_tensor  # noqa: SLF001 - torch names its functional collectives so
    return collectives.wait_tensor(gather(x, ranks, _group_name()))


def _group_name() -> str:
    group = distributed.group.WORLD
    assert group is not None, "a world of several ranks needs an initialised process group"
    return group.group_name
