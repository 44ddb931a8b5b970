"""Squared covariances of different features, summed over views and divided by the width.

VICReg (arXiv:2105.04906), equations 3 and 4, with 1/(B − 1) over the global batch.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, NoParams, Port, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
Params = NoParams
ports = (Port("x"),)
covariance_of = "x"


examples = MappingProxyType({"": Example({"x": stream("VBD", 2, 6)})})


def shapes(params: NoParams, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from `[V, B, D]` or `[B, D]`."""
    need_axes(streams, "x", "B", "D")
    return SCALAR


def build(params: NoParams, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.vicreg`."""
    from eqspec.nn.terms.vicreg import Covariance

    return Covariance(world=world)
