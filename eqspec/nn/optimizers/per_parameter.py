"""Torch optimizers written as one function, which moves one parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor


class Move(Protocol):
    """One step of one parameter."""

    def __call__(
        self,
        parameter: Tensor,
        *,
        gradient: Tensor,
        state: dict[str, Tensor],
        group: dict[str, Any],
    ) -> None:
        """Move a parameter in place.

        Args:
            gradient: of the loss; left as it is.
            state: tensors that are kept for this parameter; empty at the first step.
            group: the parameter's group, with `lr` and `weight_decay` of this step.
        """
        ...


class PerParameter(torch.optim.Optimizer):
    """An optimizer that moves each parameter by itself.

    A group's `lr` and `weight_decay` are read at every step; both are 0 until they are set.

    Args:
        groups: torch parameter groups.
        move: one step of one parameter.
        settings: further values of each group, stored with the state.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], move: Move, **settings: float | tuple[float, ...]
    ) -> None:
        super().__init__(groups, {"lr": 0.0, "weight_decay": 0.0, **settings})
        self._move = move

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient.

        Args:
            closure: torch's optimizers take one; it has no use here.
        """
        assert closure is None, "the loss is computed outside"
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    state = self.state[parameter]
                    self._move(parameter, gradient=parameter.grad, state=state, group=group)
