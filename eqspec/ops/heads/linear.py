"""A linear layer applied to each token.

The token-wise embedding before a split into invariant and equivariant features, as in
arXiv:2503.18753, section 3.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"),)


class Params(OpParams):
    """The linear layer.

    Attributes:
        width: number of output features.
        bias: whether the layer has a bias.
    """

    width: int = Field(gt=0)
    bias: bool = True


examples = MappingProxyType(
    {"": Example({"x": stream("VBND", 2, 16, 6, grid=(4, 4))}, {"width": 5})}
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """`[…, D]` with another D."""
    return need_axes(streams, "x", "D").resized("D", params.width)


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:
    """Return the module, an MLP without hidden layers; see `eqspec.nn.heads.mlp`."""
    from eqspec.nn.heads.mlp import Mlp, MlpDesign

    design = MlpDesign(widths=(params.width,), last_bias=params.bias)
    return Mlp(streams["x"].size("D"), design=design, world=world)
