"""Cross-entropy of identifying a query's key, from another view, among all keys of the batch.

MoCo v3 (arXiv:2104.02057), algorithm 1: multiplied by 2T and summed over pairs of different views;
keys are gathered over ranks and get no gradient.
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
ports = (Port("queries"), Port("keys"))


class Params(OpParams):
    """Temperature.

    Attributes:
        temperature: T, divisor of the cosine similarities; the sum is multiplied by 2T.
    """

    temperature: float = Field(gt=0)


examples = MappingProxyType(
    {
        "": Example(
            {"queries": stream("VBD", 2, 6), "keys": stream("VBD", 2, 6)},
            {"temperature": 0.2},
            frozen=("keys",),
        )
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from queries and keys `[V, B, D]` of the same views and samples."""
    queries, keys = need_axes(streams, "queries", "V", "B", "D"), streams["keys"]
    if (queries.axes, queries.sizes) != (keys.axes, keys.sizes):
        raise PortError("keys", f"must have the shape of `queries`, {queries}, but reads {keys}")
    if queries.size("V") < 2:
        raise PortError("queries", f"needs a second view, but reads {queries}")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.contrastive`."""
    from eqspec.nn.terms.contrastive import QueryKeyContrast

    return QueryKeyContrast(temperature=params.temperature, world=world)
