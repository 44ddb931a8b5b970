"""Half the hinge loss that keeps the standard deviation of every feature above a floor.

VICReg (arXiv:2105.04906), equation 1, with the factor 1/2 of the released loss: half the sum of
both hinges for a stream of two views, half the hinge for a stream without views (as in SIE).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, OpParams, Port, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"),)


class Params(OpParams):
    """Floor of the standard deviation.

    Attributes:
        floor: standard deviation below which a feature is penalised.
        eps: added to the variance, inside the square root.
    """

    floor: float = Field(default=1.0, gt=0)
    eps: float = Field(default=1e-4, gt=0)


examples = MappingProxyType(
    {"": Example({"x": stream("VBD", 2, 6)}), "one stream": Example({"x": stream("BD", 6)})}
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from `[V, B, D]` or `[B, D]`."""
    need_axes(streams, "x", "B", "D")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.vicreg`."""
    from eqspec.nn.terms.vicreg import Variance

    return Variance(floor=params.floor, eps=params.eps, world=world)
