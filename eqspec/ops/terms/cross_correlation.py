"""Squared distance of the cross-correlation matrix of two views from the identity.

Barlow Twins (arXiv:2103.03230), equations 1 and 2, over the global batch. The gradient is exact;
that of the released code is smaller by the number of devices.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"),)
covariance_of = "x"


class Params(OpParams):
    """Weight of the off-diagonal entries.

    Attributes:
        off_diagonal: weight of correlations between different features (λ in the paper).
    """

    off_diagonal: float = Field(default=1.0, ge=0)


examples = MappingProxyType({"": Example({"x": stream("VBD", 2, 6)}, {"off_diagonal": 0.0051})})


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from two views `[2, B, D]`."""
    x = need_axes(streams, "x", "V", "B", "D")
    if x.size("V") != 2:
        raise PortError("x", f"compares exactly two views, but reads {x}")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.cross_correlation`."""
    from eqspec.nn.terms.cross_correlation import CrossCorrelation

    return CrossCorrelation(off_diagonal=params.off_diagonal, world=world)
