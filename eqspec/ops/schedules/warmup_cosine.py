"""A straight rise to a peak, then half a cosine down to a final value.

SGDR's cosine (arXiv:1608.03983, equation 5) after the warm-up of arXiv:1706.02677, with DINO's
end points: the rise ends at the peak, and the wave starts at it one step later.
"""

from __future__ import annotations

from math import cos, pi
from typing import TYPE_CHECKING

from eqspec.ops.op import OpParams
from eqspec.spec.duration import Duration

if TYPE_CHECKING:
    from eqspec.spec.duration import Clock

rev = 1


class Params(OpParams):
    """The curve.

    Attributes:
        peak: the largest value.
        warmup: how long the rise takes; None for no rise.
        start: value at the first step of the rise.
        final: value that is approached at the end of the run.
    """

    peak: float
    warmup: Duration | None = None
    start: float = 0.0
    final: float = 0.0


def value(params: Params, *, step: int, clock: Clock) -> float:
    """The value at a step, from 0."""
    rise = 0 if params.warmup is None else clock.steps(params.warmup)
    if step < rise:
        share = step / max(rise - 1, 1)
        return (1 - share) * params.start + share * params.peak
    wave = (1 + cos(pi * (step - rise) / (clock.total - rise))) / 2
    return params.peak * wave + params.final * (1 - wave)
