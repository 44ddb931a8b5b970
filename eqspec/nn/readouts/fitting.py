"""The fitting loop of all readouts that learn: AdamW, cosine to zero over the steps.

The members of a family (one per learning rate, or one per seed) are fitted at once; N samples, B
batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Fitting:
    """How readouts are fitted.

    Attributes:
        epochs: passes over the samples.
        batch: samples per step; an epoch's last samples are spread over its batches.
        weight_decay: of AdamW.
    """

    epochs: int
    batch: int
    weight_decay: float


@dataclass(frozen=True, slots=True)
class Family:
    """Parameters that share a learning rate, the peak and the first one of the schedule."""

    parameters: Sequence[Tensor]
    lr: float


def fit(
    families: Sequence[Family],
    *,
    fitting: Fitting,
    samples: int,
    order: Callable[[int], Tensor],
    loss: Callable[[Tensor], Tensor],
) -> None:
    """Fit parameters in place; those after the last epoch are kept.

    Args:
        families: what is fitted.
        fitting: lengths and weight decay.
        samples: N.
        order: epoch to a permutation of the samples, `[N]`, or one per member, `[S, N]`.
        loss: batch of sample numbers, `[B]` or `[S, B]`, to a scalar: the sum over members, so
            that each takes the step that it would take alone.
    """
    groups = [{"params": list(one.parameters), "lr": one.lr} for one in families]
    optimizer = torch.optim.AdamW(groups, weight_decay=fitting.weight_decay, fused=True)
    batches = max(1, round(samples / fitting.batch))
    steps = batches * fitting.epochs
    cosine = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps))
    )
    with torch.enable_grad():
        for epoch in range(fitting.epochs):
            for ids in order(epoch).tensor_split(batches, dim=-1):
                optimizer.zero_grad()
                loss(ids).backward()
                optimizer.step()
                cosine.step()
