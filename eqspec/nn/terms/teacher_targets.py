"""Targets of self-distillation: teacher logits converted to probabilities that use all prototypes.

DINO's moving centre (arXiv:2104.14294, equation 4 and algorithm 1) and the Sinkhorn-Knopp
assignment of SwAV (arXiv:2006.09882, equation 3) as DINOv2 uses it (arXiv:2304.07193, section 4).
Legend: S any leading axes (views, samples, tokens), K prototypes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from eqspec.nn.layers.initialise import Constant
from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.nn.layers.initialise import Rule
    from eqspec.nn.world import World

ABSENT = -1e30
"""Log-weight of an excluded token; finite, so that the difference of two is defined."""


class MovingCentre(nn.Module):
    """Softmax of the logits minus a moving average of their mean over the global batch.

    A step uses the centre of earlier steps and then updates it, in training mode only.

    Args:
        width: number of prototypes K.
        momentum: share of the old centre that is kept, in [0, 1]; 1 leaves it at zero.
        world: ranks that share the batch.
    """

    centre: Tensor

    def __init__(self, *, width: int, momentum: float, world: World) -> None:
        super().__init__()
        self.momentum = momentum
        self.world = world
        self.register_buffer("centre", torch.zeros(width))

    def initial_values(self) -> dict[str, Rule]:
        """Return the rule: a centre of zero."""
        return {"centre": Constant(0.0)}

    @torch.no_grad()
    def forward(self, logits: Tensor, *, temperature: Tensor, counted: Tensor | None) -> Tensor:
        """Return targets `[*S, K]`, at least float32.

        Args:
            logits: logits of the teacher `[*S, K]`.
            temperature: temperature of the teacher, 0-dim.
            counted: `[*S]`, 1 where a token enters the centre, 0 elsewhere; None: all do.
        """
        logits = at_least_fp32(logits)
        targets = ((logits - self.centre) / temperature.to(logits.dtype)).softmax(dim=-1)
        if self.training:
            self._move(logits.flatten(0, -2), None if counted is None else counted.flatten())
        return targets

    def _move(self, logits_SK: Tensor, counted_S: Tensor | None) -> None:
        if counted_S is None:
            middle_K = self.world.mean(logits_SK.mean(dim=0))
        else:
            weights_S = counted_S.to(logits_SK.dtype)
            count = self.world.sum(weights_S.sum())
            middle_K = self.world.sum(weights_S @ logits_SK) / count.clamp(min=1)
            middle_K = torch.where(count > 0, middle_K, self.centre.to(middle_K.dtype))
        self.centre.copy_(self.momentum * self.centre + (1 - self.momentum) * middle_K)


class Sinkhorn(nn.Module):
    """Probabilities balanced so that the tokens of the global batch use all prototypes equally.

    Computed in logarithms, so that no logit overflows; the published code exponentiates.

    Args:
        iterations: number of times that prototypes and tokens are balanced in turn.
        world: ranks that share the batch.
    """

    def __init__(self, *, iterations: int, world: World) -> None:
        super().__init__()
        self.iterations = iterations
        self.world = world

    @torch.no_grad()
    def forward(self, logits: Tensor, *, temperature: Tensor, counted: Tensor | None) -> Tensor:
        """Return targets `[*S, K]`, at least float32.

        Args:
            logits: logits of the teacher `[*S, K]`.
            temperature: temperature of the teacher, 0-dim.
            counted: `[*S]`, 1 where a token takes part, 0 elsewhere; None: all do. Targets of
                tokens that do not take part are meaningless.
        """
        logits_SK = at_least_fp32(logits).flatten(0, -2)
        log_SK = logits_SK / temperature.to(logits_SK.dtype)
        present_S1 = torch.zeros_like(log_SK[:, :1])
        if counted is not None:
            present_S1 = present_S1.masked_fill(counted.flatten().unsqueeze(-1) == 0, ABSENT)
        for _ in range(self.iterations):
            local_1K = (log_SK + present_S1).logsumexp(dim=0, keepdim=True)
            log_SK = log_SK - self.world.gather(local_1K, axis=0).logsumexp(dim=0, keepdim=True)
            log_SK = log_SK.log_softmax(dim=-1)
        return log_SK.exp().view_as(logits)


def teacher_targets(
    centring: str, *, width: int, momentum: float, iterations: int, world: World
) -> MovingCentre | Sinkhorn:
    """Return the module that converts teacher logits to targets, by its name in a card.

    Args:
        centring: ``centre`` or ``sinkhorn``.
        width: number of prototypes.
        momentum: momentum of the centre; ignored by Sinkhorn.
        iterations: iterations of Sinkhorn; ignored by the centre.
        world: ranks that share the batch.

    Returns:
        A module that is called with logits, temperature and counted.
    """
    if centring == "sinkhorn":
        return Sinkhorn(iterations=iterations, world=world)
    return MovingCentre(width=width, momentum=momentum, world=world)
