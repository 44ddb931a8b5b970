"""Stochastic gradient descent with momentum.

Sutskever et al. (ICML 2013), in torch's form: the learning rate stands outside the momentum buffer,
and weight decay is added to the gradient. DINO trains its ResNets with it (arXiv:2104.14294).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, model_validator

from eqspec.ops.op import OptimizerParams

if TYPE_CHECKING:
    import torch

rev = 1


class Params(OptimizerParams):
    """What SGD needs.

    Attributes:
        weight_decay: share of each decayed weight that is added to its gradient.
        momentum: share of the last step's direction that is kept.
        nesterov: look ahead along the momentum.
    """

    momentum: float = Field(default=0.0, ge=0, lt=1)
    nesterov: bool = False

    @model_validator(mode="after")
    def _something_to_look_along(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("`nesterov` looks ahead along the momentum, and `momentum` is 0")
        return self


example = MappingProxyType({"momentum": 0.9})


def build(params: Params, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """The optimizer over parameter groups, whose `lr` and `weight_decay` the engine sets per step.

    Args:
        params: of SGD.
        groups: torch parameter groups; keys that torch does not know are kept.

    Returns:
        An optimizer that does nothing until its groups are given a learning rate.
    """
    import torch

    return torch.optim.SGD(groups, lr=0.0, momentum=params.momentum, nesterov=params.nesterov)
