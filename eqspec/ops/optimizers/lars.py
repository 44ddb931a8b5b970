"""LARS: SGD with momentum whose steps are scaled to the norm of each matrix.

You et al. (arXiv:1708.03888), algorithm 1, as used by VICReg and Barlow Twins: the learning rate is
applied after the momentum buffer, and vectors (biases, norms) are not scaled. A rule of the recipe
turns off their weight decay: ``{match: [bias, ndim<2], weight_decay: 0}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from eqspec.ops.op import OptimizerParams

if TYPE_CHECKING:
    import torch

rev = 1


class Params(OptimizerParams):
    """Parameters of LARS.

    Attributes:
        weight_decay: factor of a weight that is added to its gradient.
        momentum: share of the previous direction that is kept.
        trust: norm of a matrix's step divided by that of the matrix, at a learning rate of 1.
    """

    momentum: float = Field(default=0.9, ge=0, lt=1)
    trust: float = Field(default=1e-3, gt=0)


def build(params: Params, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """Return the optimizer; the engine sets `lr` and `weight_decay` of its groups in every step.

    Args:
        params: parameters of LARS.
        groups: torch parameter groups; unknown keys are kept.

    Returns:
        An optimizer with a learning rate of zero.
    """
    from eqspec.nn.optimizers.lars import lars
    from eqspec.nn.optimizers.per_parameter import PerParameter

    return PerParameter(groups, lars, momentum=params.momentum, trust=params.trust)
