"""Negative log distance of each sample to its nearest neighbour on the unit sphere.

Sablayrolles et al. (arXiv:1806.03198), section 3; DINOv2 (arXiv:2304.07193), section 4: a mean
over samples, a sum over views.
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
    """Range of the search for neighbours.

    Attributes:
        group: number of consecutive samples of the global batch among which neighbours are
            searched (the batch per device of a paper; must divide the batch); None: all.
    """

    group: int | None = Field(default=None, ge=2)


examples = MappingProxyType(
    {
        "": Example({"x": stream("VBD", 2, 6)}),
        "groups": Example({"x": stream("VBD", 2, 6)}, {"group": 2}),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from `[V, B, D]` or `[B, D]`."""
    need_axes(streams, "x", "B", "D")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.koleo`."""
    from eqspec.nn.terms.koleo import KoLeo

    return KoLeo(group=params.group, world=world)
