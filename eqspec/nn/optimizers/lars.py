"""LARS: layer-wise adaptive rates (You et al., arXiv:1708.03888, algorithm 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor


def lars(
    parameter: Tensor, *, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]
) -> None:
    """Update a parameter by SGD with momentum, with steps scaled to the norm of the parameter.

    The group contains `momentum`, the share of the previous direction that is kept, and `trust`,
    the norm of a matrix's step divided by that of the matrix, at a learning rate of 1.
    """
    direction = gradient.add(parameter, alpha=group["weight_decay"])
    if parameter.ndim > 1:
        direction.mul_(_trust_ratio(parameter, direction, trust=group["trust"]))
    if "momentum_buffer" not in state:
        state["momentum_buffer"] = torch.zeros_like(parameter)
    buffer = state["momentum_buffer"].mul_(group["momentum"]).add_(direction)
    parameter.add_(buffer, alpha=-group["lr"])


def _trust_ratio(weight: Tensor, direction: Tensor, *, trust: float) -> Tensor:
    """Return ``trust · ‖weight‖ / ‖direction‖``, or 1 if either norm is zero."""
    own, step = at_least_fp32(weight).norm(), at_least_fp32(direction).norm()
    ratio = trust * own / step
    return torch.where((own > 0) & (step > 0), ratio, torch.ones_like(ratio))
