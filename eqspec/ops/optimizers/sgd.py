"""Stochastic gradient descent with momentum.

Sutskever et al. (ICML 2013), in torch's form: the learning rate is applied after the momentum
buffer, and weight decay is added to the gradient. Used by DINO for ResNets (arXiv:2104.14294).
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
    """Parameters of SGD.

    Attributes:
        weight_decay: factor of a weight that is added to its gradient.
        momentum: share of the previous direction that is kept.
        nesterov: whether to use Nesterov momentum.
    """

    momentum: float = Field(default=0.0, ge=0, lt=1)
    nesterov: bool = False

    @model_validator(mode="after")
    def _something_to_look_along(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("`nesterov` needs a `momentum` above 0")
        return self


example = MappingProxyType({"momentum": 0.9})


def build(params: Params, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """Return the optimizer; the engine sets `lr` and `weight_decay` of its groups in every step.

    Args:
        params: parameters of SGD.
        groups: torch parameter groups; unknown keys are kept.

    Returns:
        An optimizer with a learning rate of zero.
    """
    import torch

    return torch.optim.SGD(groups, lr=0.0, momentum=params.momentum, nesterov=params.nesterov)
