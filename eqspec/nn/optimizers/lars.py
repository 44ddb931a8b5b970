"""LARS as a torch optimizer (You et al., arXiv:1708.03888, algorithm 1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from eqspec.nn.precision import at_least_fp32


class Lars(torch.optim.Optimizer):
    """Momentum over directions that are scaled, matrix by matrix, to the matrix's own norm.

    A group's `lr` and `weight_decay` are read at every step. All state is one tensor per parameter.

    Args:
        groups: torch parameter groups.
        momentum: share of the last direction that is kept, in [0, 1).
        trust: length of a matrix's step over the matrix's own, at a learning rate of 1.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, momentum: float, trust: float) -> None:
        defaults = {"lr": 0.0, "weight_decay": 0.0, "momentum": momentum, "trust": trust}
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Moves every parameter that has a gradient.

        Args:
            closure: torch's optimizers take one; it has no use here.
        """
        assert closure is None, "the loss is computed outside"
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        direction = gradient.add(parameter, alpha=group["weight_decay"])
        if parameter.ndim > 1:
            direction.mul_(_trust_ratio(parameter, direction, trust=group["trust"]))
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer = state["momentum_buffer"].mul_(group["momentum"]).add_(direction)
        parameter.add_(buffer, alpha=-group["lr"])


def _trust_ratio(weight: Tensor, direction: Tensor, *, trust: float) -> Tensor:
    """``trust · ‖weight‖ / ‖direction‖``; 1 where either norm is zero, as for a head of zeros."""
    own, asked = at_least_fp32(weight).norm(), at_least_fp32(direction).norm()
    ratio = trust * own / asked
    return torch.where((own > 0) & (asked > 0), ratio, torch.ones_like(ratio))
