"""Averages of gradients over ranks: exact, after the backward, in flat buckets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import torch
from torch import Tensor
from torch import distributed as dist

from eqspec.nn.world import World

BUCKET_ELEMENTS = 16 * 1024 * 1024
"""Elements per message: large enough to hide latency, small enough to need little memory."""


def average_gradients(parameters: Iterable[Tensor], *, world: World) -> None:
    """Replace every gradient by its mean over the ranks, all of which have the same ones."""
    if world.size == 1:
        return
    trained = [p for p in parameters if p.grad is not None]
    for _, same in groupby(sorted(trained, key=lambda p: str(p.dtype)), key=lambda p: p.dtype):
        for bucket in _buckets(list(same)):
            flat = torch.cat([_gradient(p).flatten() for p in bucket])
            dist.all_reduce(flat)
            flat /= world.size
            at = 0
            for p in bucket:
                _gradient(p).copy_(flat[at : at + p.numel()].view_as(p))
                at += p.numel()


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None, "chosen above"
    return parameter.grad


def _buckets(parameters: list[Tensor]) -> list[list[Tensor]]:
    buckets: list[list[Tensor]] = [[]]
    size = 0
    for p in parameters:
        if buckets[-1] and size + p.numel() > BUCKET_ELEMENTS:
            buckets.append([])
            size = 0
        buckets[-1].append(p)
        size += p.numel()
    return buckets
