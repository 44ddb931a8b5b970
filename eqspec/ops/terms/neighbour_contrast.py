"""NT-Xent between consecutive samples, each pair against all others of the batch.

Transformation loss of STL (arXiv:2501.08712), section 3: samples 2i and 2i + 1 share what changes
their first view into the second, so the representations of these changes are a positive pair.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x", many=True),)


class Params(OpParams):
    """Temperature.

    Attributes:
        temperature: divisor of the cosine similarities.
        group: number of consecutive samples of the global batch that are alike.
    """

    temperature: float = Field(gt=0)
    group: Literal[2] = 2


examples = MappingProxyType(
    {"groups": Example({"x.0": stream("BD", 6), "x.1": stream("BD", 6)}, {"temperature": 0.2})}
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from streams `[B, D]` of equal width."""
    kinds = [need_axes(streams, port, "B", "D") for port in streams]
    if any((kind.axes, kind.sizes) != (("B", "D"), kinds[0].sizes) for kind in kinds):
        read = ", ".join(map(str, kinds))
        raise PortError("x", f"needs streams [B, D] of equal width, but reads {read}")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.contrastive`."""
    from eqspec.nn.terms.contrastive import NeighbourContrast

    return NeighbourContrast(temperature=params.temperature, world=world)
