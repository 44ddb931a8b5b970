"""Mean squared distance between the two views of a sample.

VICReg (arXiv:2105.04906), equation 5; a mean over batch and features.
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
ports = (Port("x"),)


examples = MappingProxyType({"": Example({"x": stream("VBD", 2, 6)})})


def shapes(params: NoParams, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from two views `[2, B, D]`."""
    x = need_axes(streams, "x", "V", "B", "D")
    if x.size("V") != 2:
        raise PortError("x", f"compares exactly two views, but reads {x}")
    return SCALAR


def build(params: NoParams, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.vicreg`."""
    from eqspec.nn.terms.vicreg import Invariance

    return Invariance()
