"""Half a cosine from one value to another over the whole run.

The teacher momentum of BYOL (arXiv:2006.07733, section 3.3) and the weight decay of DINO
(arXiv:2104.14294, section 3.2): at step t of T, to − (to − from)·(1 + cos(πt/T))/2. The last step
is T − 1, so it does not quite reach `to`.
"""

from __future__ import annotations

from math import cos, pi
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import ConfigDict, Field

from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from eqspec.spec.duration import Clock

rev = 1
rate = "from"


class Params(OpParams):
    """Start and end of the curve.

    Attributes:
        start: value at the first step; `from` in YAML.
        end: value that is approached; `to` in YAML.
    """

    model_config = ConfigDict(serialize_by_alias=True)

    start: float = Field(alias="from")
    end: float = Field(alias="to")


example = MappingProxyType({"from": 0.996, "to": 1.0})


def value(params: Params, *, step: int, clock: Clock) -> float:
    """Return the value at a step, counted from 0."""
    wave = (1 + cos(pi * step / clock.total)) / 2
    return params.start * wave + params.end * (1 - wave)


def extent(params: Params) -> tuple[float, float]:
    """Return the lowest and highest possible value, for any length of training."""
    return min(params.start, params.end), max(params.start, params.end)
