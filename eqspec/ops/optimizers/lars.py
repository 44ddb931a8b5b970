"""Layer-wise adaptive rates: each matrix moves in proportion to its own norm.

You et al. (arXiv:1708.03888), algorithm 1, as VICReg and Barlow Twins use it: the learning rate
stands outside the momentum buffer, and vectors (biases, norms) are not adapted. That they do not
decay either is for the recipe's rules to say: ``{match: [bias, ndim<2], weight_decay: 0}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from eqspec.ops.op import OptimizerParams

if TYPE_CHECKING:
    import torch

rev = 1


class Params(OptimizerParams):
    """What LARS needs.

    Attributes:
        weight_decay: share of each decayed weight that is added to its gradient.
        momentum: share of the last step's direction that is kept.
        trust: length of a matrix's step over the matrix's own, at a learning rate of 1.
    """

    momentum: float = Field(default=0.9, ge=0, lt=1)
    trust: float = Field(default=1e-3, gt=0)


def build(params: Params, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """The optimizer over parameter groups, whose `lr` and `weight_decay` the engine sets per step.

    Args:
        params: of LARS.
        groups: torch parameter groups; keys that torch does not know are kept.

    Returns:
        An optimizer that does nothing until its groups are given a learning rate.
    """
    from eqspec.nn.optimizers.lars import lars
    from eqspec.nn.optimizers.per_parameter import PerParameter

    return PerParameter(groups, lars, momentum=params.momentum, trust=params.trust)
