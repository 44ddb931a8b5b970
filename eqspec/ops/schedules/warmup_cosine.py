"""Linear warm-up to a peak, then half a cosine down to a final value.

The cosine of SGDR (arXiv:1608.03983, equation 5) after the warm-up of arXiv:1706.02677. In DINO the
last step of the warm-up has the peak value, and so has the first step of the cosine; in MoCo v3,
MAE, VICReg and I-JEPA only the first step of the cosine has it.
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
    """Peak, warm-up and final value of the curve.

    Attributes:
        peak: largest value.
        warmup: length of the warm-up; None: no warm-up.
        inclusive: whether the last step of the warm-up reaches the peak, or the step after it.
        start: value at the first step of the warm-up.
        final: value that is approached at the end of the run.
        final_share: share of the peak that is added to `final`.
    """

    peak: float
    warmup: Duration | None = None
    inclusive: bool = True
    start: float = 0.0
    final: float = 0.0
    final_share: float = Field(default=0.0, ge=0, le=1)


example = MappingProxyType({"peak": 0.002, "warmup": "10 epochs", "final": 1e-06})


def value(params: Params, *, step: int, clock: Clock) -> float:
    """Return the value at a step, counted from 0."""
    rise = 0 if params.warmup is None else clock.steps(params.warmup)
    if step < rise:
        share = step / max(rise - 1 if params.inclusive else rise, 1)
        return (1 - share) * params.start + share * params.peak
    wave = (1 + cos(pi * (step - rise) / (clock.total - rise))) / 2
    final = params.final + params.final_share * params.peak
    return params.peak * wave + final * (1 - wave)


def extent(params: Params) -> tuple[float, float]:
    """Return the lowest and highest possible value, for any length of training."""
    final = params.final + params.final_share * params.peak
    reached = (params.peak, final, *(() if params.warmup is None else (params.start,)))
    return min(reached), max(reached)
