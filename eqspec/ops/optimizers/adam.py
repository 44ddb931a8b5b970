"""Adam, with weight decay added to the gradient.

Kingma and Ba (arXiv:1412.6980), algorithm 1, as in torch: decay is L2 regularisation, so that its
pull is rescaled with the gradient's. AdamW takes it off the weights instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from eqspec.ops.op import OptimizerParams

if TYPE_CHECKING:
    import torch

rev = 1


class Params(OptimizerParams):
    """What Adam needs.

    Attributes:
        weight_decay: share of each decayed weight that is added to its gradient.
        betas: of the running means of gradients and of their squares.
        eps: added to the root of the second.
    """

    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = Field(default=1e-8, gt=0)


def build(params: Params, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """The optimizer over parameter groups, whose `lr` and `weight_decay` the engine sets per step.

    Args:
        params: of Adam.
        groups: torch parameter groups; keys that torch does not know are kept.

    Returns:
        An optimizer that does nothing until its groups are given a learning rate.
    """
    import torch

    # Fused: one pass over each parameter, as AdamW takes its step.
    return torch.optim.Adam(
        groups, lr=0.0, betas=params.betas, eps=params.eps, weight_decay=0.0, fused=True
    )
