"""One cross-attention block: the tokens of one image, informed by those of another.

Cross-attention reconstruction (arXiv:2412.03314) mixes the features of two views with such a block;
its form here (pre-norm, residual, MLP) is a proposal of this project.
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
    """What the block looks like.

    Attributes:
        heads: attention heads; must divide the features.
        mlp_ratio: hidden width of the MLP, over the features.
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
    """As `query` `[…, B, N, D]`; `keys` may have other tokens, but not other features."""
    query, keys = need_axes(streams, "query", "B", "N", "D"), need_axes(streams, "keys", "N", "D")
    if query.size("D") % params.heads:
        heads = params.heads
        raise PortError("query", f"{query.size('D')} features are no multiple of {heads} heads")
    if keys.axes != query.axes or keys.size("D") != query.size("D"):
        raise PortError("keys", f"needs features like those of the query {query}, but reads {keys}")
    return query


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - the contract of ops
    """The module; see `eqspec.nn.heads.cross_attention`."""
    from eqspec.nn.heads.cross_attention import CrossAttentionBlock

    width = streams["query"].size("D")
    return CrossAttentionBlock(width, heads=params.heads, mlp_ratio=params.mlp_ratio)
