"""A multi-layer perceptron: projector, expander, trunk or predictor.

VICReg's expander (arXiv:2105.04906, section 4.2), SimCLR's (arXiv:2002.05709), MoCo v3's
(arXiv:2104.02057) and DINO's (arXiv:2104.14294) heads are this with other parameters.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"),)
per_view = True


class Params(OpParams):
    """What the perceptron looks like.

    Attributes:
        widths: output width of each linear layer; all but the last are hidden.
        activation: after each hidden layer (and its norm).
        norm: after each hidden linear layer.
        bias: whether hidden linear layers have one.
        last_bias: whether the last linear layer has one.
        last_norm: after the last linear layer; without offset, or without scale and offset.
        last_activation: whether an activation follows the last layer too.
        normalise: whether the output has unit Euclidean length.
        std: standard deviation that weights start with, biases then at zero; None: torch's default.
        group: batch statistics over consecutive groups of so many samples; None: the whole batch.
    """

    widths: tuple[Annotated[int, Field(gt=0)], ...] = Field(min_length=1)
    activation: Literal["relu", "gelu"] = "relu"
    norm: Literal["none", "batch", "layer"] = "none"
    bias: bool = True
    last_bias: bool = True
    last_norm: Literal["none", "layer", "batch", "batch-no-offset", "batch-no-affine"] = "none"
    last_activation: bool = False
    normalise: bool = False
    std: float | None = Field(default=None, gt=0)
    group: int | None = Field(default=None, gt=0)


examples = MappingProxyType(
    {
        "": Example(
            {"x": stream("VBND", 2, 16, 6, grid=(4, 4))}, {"widths": [8, 5], "activation": "gelu"}
        ),
        "batch": Example(
            {"x": stream("VBD", 2, 6)},
            {"widths": [8, 5], "norm": "batch", "last_norm": "batch", "normalise": True},
        ),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """`[…, B, …, D]` with the last width as D."""
    return need_axes(streams, "x", "B", "D").resized("D", params.widths[-1])


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:
    """The module; see `eqspec.nn.heads.mlp`."""
    from eqspec.nn.heads.mlp import Mlp, MlpDesign

    design = MlpDesign(
        widths=params.widths,
        activation=params.activation,
        norm=params.norm,
        bias=params.bias,
        last_bias=params.last_bias,
        last_norm=params.last_norm,
        last_activation=params.last_activation,
        normalise=params.normalise,
        std=params.std,
        group=params.group,
    )
    return Mlp(streams["x"].size("D"), design=design, world=world)
