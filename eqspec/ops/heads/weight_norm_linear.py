"""A weight-normalised linear layer, whose rows are prototypes.

DINO (arXiv:2104.14294), appendix C, and iBOT (arXiv:2111.07832); Salimans and Kingma
(arXiv:1602.07868), equation 2.
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

rev = 2
ports = (Port("x"),)


class Params(OpParams):
    """The linear layer.

    Attributes:
        width: number of rows.
        train_norm: whether the lengths of the rows are trained; otherwise they stay at one.
    """

    width: int = Field(gt=0)
    train_norm: bool = False


examples = MappingProxyType(
    {"": Example({"x": stream("VBND", 2, 16, 6, grid=(4, 4))}, {"width": 5, "train_norm": True})}
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """`[…, D]` with another D."""
    return need_axes(streams, "x", "D").resized("D", params.width)


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - the contract of ops
    """Return the module; see `eqspec.nn.heads.weight_norm_linear`."""
    from eqspec.nn.heads.weight_norm_linear import WeightNormLinear

    features = streams["x"].size("D")
    return WeightNormLinear(features, width=params.width, train_norm=params.train_norm)
