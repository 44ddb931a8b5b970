"""A straight line between two values, then constant.

The warm-up of the teacher temperature in DINO (arXiv:2104.14294, appendix A; one value per epoch)
and DINOv2 (one per step). The first and the last value are reached exactly.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import ConfigDict, Field

from eqspec.ops.op import OpParams
from eqspec.spec.duration import PositiveDuration

if TYPE_CHECKING:
    from eqspec.spec.duration import Clock

rev = 1
rate = "from"


class Params(OpParams):
    """Start, end and length of the line.

    Attributes:
        start: value at the first step; `from` in YAML.
        end: value at the last step of `over` and after it; `to` in YAML.
        over: length of the line; None: the whole run.
        granularity: whether the value changes in every step or in every epoch.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    start: float = Field(alias="from")
    end: float = Field(alias="to")
    over: PositiveDuration | None = None
    granularity: Literal["step", "epoch"] = "step"


example = MappingProxyType({"from": 0.04, "to": 0.07, "over": "30 epochs", "granularity": "epoch"})


def value(params: Params, *, step: int, clock: Clock) -> float:
    """Return the value at a step, counted from 0."""
    every = clock.steps_per_epoch if params.granularity == "epoch" else 1
    length = clock.total if params.over is None else clock.steps(params.over)
    points, at = max(round(length / every), 1), step // every
    share = min(at / max(points - 1, 1), 1.0)
    return (1 - share) * params.start + share * params.end


def extent(params: Params) -> tuple[float, float]:
    """Return the lowest and highest possible value, for any length of training."""
    return min(params.start, params.end), max(params.start, params.end)
