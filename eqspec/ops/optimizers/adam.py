"""Adam with weight decay added to the gradient.

Kingma and Ba (arXiv:1412.6980), algorithm 1, as in torch: weight decay is L2 regularisation, which
is rescaled like the gradient. AdamW subtracts it from the weights instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from eqspec.ops.op import OptimizerParams

if TYPE_CHECKING:
    import torch

rev = 1


class Params(OptimizerParams):
    """Parameters of Adam.

    Attributes:
        weight_decay: factor of a weight that is added to its gradient.
        betas: decay of the first and second moment.
        eps: added to the root of the second moment.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = Field(default=1e-8, gt=0)


def build(params: Params, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """Return the optimizer; the engine sets `lr` and `weight_decay` of its groups in every step.

    Args:
        params: parameters of Adam.
        groups: torch parameter groups; unknown keys are kept.

    Returns:
        An optimizer with a learning rate of zero.
    """
    import torch

    # Fused: a single pass over each parameter, as in AdamW.
    return torch.optim.Adam(
        groups, lr=0.0, betas=params.betas, eps=params.eps, weight_decay=0.0, fused=True
    )
