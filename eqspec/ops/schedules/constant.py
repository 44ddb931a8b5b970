"""The same value at every step."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from eqspec.spec.duration import Clock

rev = 1
rate = "value"


class Params(OpParams):
    """The value."""

    value: float


example = MappingProxyType({"value": 0.1})


def value(params: Params, *, step: int, clock: Clock) -> float:  # noqa: ARG001 - the contract of schedules
    """Return the value."""
    return params.value


def extent(params: Params) -> tuple[float, float]:
    """Return the lowest and highest possible value, for any length of training."""
    return params.value, params.value
