"""A straight rise to a peak, then half a cosine down to a final value.

SGDR's cosine (arXiv:1608.03983, equation 5) after the warm-up of arXiv:1706.02677. Where the two
meet is a choice: the rise of DINO ends at the peak, and the wave starts at it one step later; that
of MoCo v3, MAE, VICReg and I-JEPA would reach it where the wave starts.
"""

from __future__ import annotations

from math import cos, pi
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from eqspec.ops.op import OpParams
from eqspec.spec.duration import Duration

if TYPE_CHECKING:
    from eqspec.spec.duration import Clock

rev = 1
rate = "peak"


class Params(OpParams):
    """The curve.

    Attributes:
        peak: the largest value.
        warmup: how long the rise takes; None for no rise.
        inclusive: whether the last step of the rise stands at the peak, or one step short of it.
        start: value at the first step of the rise.
        final: value that is approached at the end of the run.
        final_share: the same as a share of the peak, added to it.
    """

    peak: float
    warmup: Duration | None = None
    inclusive: bool = True
    start: float = 0.0
    final: float = 0.0
    final_share: float = Field(default=0.0, ge=0, le=1)


example = MappingProxyType({"peak": 0.002, "warmup": "10 epochs", "final": 1e-06})


def value(params: Params, *, step: int, clock: Clock) -> float:
    """The value at a step, from 0."""
    rise = 0 if params.warmup is None else clock.steps(params.warmup)
    if step < rise:
        share = step / max(rise - 1 if params.inclusive else rise, 1)
        return (1 - share) * params.start + share * params.peak
    wave = (1 + cos(pi * (step - rise) / (clock.total - rise))) / 2
    final = params.final + params.final_share * params.peak
    return params.peak * wave + final * (1 - wave)


def extent(params: Params) -> tuple[float, float]:
    """The lowest and the highest value that may be reached, however long the training is."""
    final = params.final + params.final_share * params.peak
    reached = (params.peak, final, *(() if params.warmup is None else (params.start,)))
    return min(reached), max(reached)
