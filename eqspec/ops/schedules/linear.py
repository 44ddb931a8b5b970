"""A straight line between two values, then the second one for ever.

DINO's warm-up of the teacher's temperature (arXiv:2104.14294, appendix A; one value per epoch) and
DINOv2's (one per step). The first and the last value are met exactly.
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
    """The line.

    Attributes:
        start: value at the first step; written `from`.
        end: value at the last step of `over` and after it; written `to`.
        over: how long the line takes; None for the whole run.
        granularity: whether the value changes at each step or at each epoch.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    start: float = Field(alias="from")
    end: float = Field(alias="to")
    over: PositiveDuration | None = None
    granularity: Literal["step", "epoch"] = "step"


example = MappingProxyType({"from": 0.04, "to": 0.07, "over": "30 epochs", "granularity": "epoch"})


def value(params: Params, *, step: int, clock: Clock) -> float:
    """The value at a step, from 0."""
    every = clock.steps_per_epoch if params.granularity == "epoch" else 1
    length = clock.total if params.over is None else clock.steps(params.over)
    points, at = max(round(length / every), 1), step // every
    share = min(at / max(points - 1, 1), 1.0)
    return (1 - share) * params.start + share * params.end


def extent(params: Params) -> tuple[float, float]:
    """The lowest and the highest value that may be reached, however long the training is."""
    return min(params.start, params.end), max(params.start, params.end)
