"""Optimizers and schedules."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from eqspec.ops.contract.op import Op
from eqspec.ops.example import NO_PARAMS
from eqspec.ops.op import OpParams, OptimizerParams

if TYPE_CHECKING:
    import torch

    from eqspec.spec.duration import Clock


class OptimizerOp(Op, Protocol):
    """An update rule.

    Attributes:
        example: further parameters of a small instance, beside `lr` and `weight_decay`.
    """

    example: Mapping[str, Any] = NO_PARAMS

    @property
    @abstractmethod
    def Params(self) -> type[OptimizerParams]:  # noqa: N802 - a class
        """Class of the parameters: a subclass of `OptimizerParams`."""
        ...

    @abstractmethod
    def build(self, params: OpParams, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Return the optimizer over torch parameter groups; imports torch inside.

        Keys of the groups that torch does not know are kept. The engine sets each group's `lr` and
        `weight_decay` before every step; before that a step changes nothing.
        """
        ...


@runtime_checkable
class ScheduleOp(Op, Protocol):
    """A number that depends on the step: a pure function of step and training length.

    Attributes:
        rate: the parameter that takes the optimizer's learning rate where a recipe's schedule does
            not set it, as a spec spells it; None where every parameter has to be set.
        example: parameters of a small instance, which the contract tests build.
    """

    rate: str | None = None
    example: Mapping[str, Any] = NO_PARAMS

    @abstractmethod
    def value(self, params: OpParams, *, step: int, clock: Clock) -> float:
        """Return the value at a step, from 0."""
        ...

    @abstractmethod
    def extent(self, params: OpParams) -> tuple[float, float]:
        """Return the lowest and highest value reached in a training of any length."""
        ...
