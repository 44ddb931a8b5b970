"""A cross-attention block: tokens of one image attend to those of another.

Cross-attention reconstruction (arXiv:2412.03314) mixes the features of two views with such a block;
the architecture (pre-norm, residual, MLP) is a proposal of this project.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("query"), Port("keys"))


class Params(OpParams):
    """Architecture of the block.

    Attributes:
        heads: attention heads; must divide the width.
        mlp_ratio: hidden width of the MLP divided by the width.
    """

    heads: int = Field(default=8, gt=0)
    mlp_ratio: float = Field(default=4.0, gt=0)


examples = MappingProxyType(
    {
        "": Example(
            {
                "query": stream("VBND", 2, 16, 6, grid=(4, 4)),
                "keys": stream("VBND", 2, 9, 6, grid=(3, 3)),
            },
            {"heads": 2},
        )
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """The type of `query` `[…, B, N, D]`; `keys` may have another N, but the same D."""
    query, keys = need_axes(streams, "query", "B", "N", "D"), need_axes(streams, "keys", "N", "D")
    if query.size("D") % params.heads:
        heads = params.heads
        raise PortError("query", f"{heads} heads do not divide {query.size('D')} features")
    if keys.axes != query.axes or keys.size("D") != query.size("D"):
        raise PortError("keys", f"needs features like those of the query {query}, but reads {keys}")
    return query


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - the contract of ops
    """Return the module; see `eqspec.nn.heads.cross_attention`."""
    from eqspec.nn.heads.cross_attention import CrossAttentionBlock

    width = streams["query"].size("D")
    return CrossAttentionBlock(width, heads=params.heads, mlp_ratio=params.mlp_ratio)
