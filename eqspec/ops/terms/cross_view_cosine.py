"""Squared distance of unit vectors: each view's prediction from every other view's target.

BYOL (arXiv:2006.07733), equation 2, in all orders of the views; SimSiam (arXiv:2011.10566),
equation 2, is a quarter of it plus one. Targets get no gradient.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, NoParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
Params = NoParams
ports = (Port("predictions"), Port("targets"))
examples = MappingProxyType(
    {
        "": Example(
            {"predictions": stream("VBD", 2, 6), "targets": stream("VBD", 2, 6)},
            frozen=("targets",),
        )
    }
)


def shapes(params: NoParams, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from predictions and targets `[V, B, D]` of the same views and samples."""
    x, y = need_axes(streams, "predictions", "V", "B", "D"), streams["targets"]
    if (x.axes, x.sizes) != (y.axes, y.sizes):
        raise PortError("targets", f"must have the shape of `predictions`, {x}, but reads {y}")
    if x.size("V") < 2:
        raise PortError("predictions", f"needs a second view, but reads {x}")
    return SCALAR


def build(params: NoParams, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """The module; see `eqspec.nn.terms.cosine`."""
    from eqspec.nn.terms.cosine import CrossViewCosine

    return CrossViewCosine()
