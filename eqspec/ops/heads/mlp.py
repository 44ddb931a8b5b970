"""A multi-layer perceptron: projector, expander, trunk or predictor.

Used with different parameters by VICReg (arXiv:2105.04906, section 4.2), SimCLR (arXiv:2002.05709),
MoCo v3 (arXiv:2104.02057) and DINO (arXiv:2104.14294).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"),)
per_view = True


class Params(OpParams):
    """Architecture of the MLP.

    Attributes:
        widths: output width of each linear layer; all but the last are hidden.
        activation: activation after each hidden layer and its norm.
        norm: norm after each hidden linear layer.
        bias: whether hidden linear layers have a bias.
        last_bias: whether the last linear layer has a bias.
        last_norm: norm after the last linear layer; batch norms also without offset, or without
            scale and offset.
        last_activation: whether an activation also follows the last layer.
        normalise: whether the output is scaled to unit Euclidean length.
        std: initial standard deviation of the weights, with zero biases; None: torch's default.
        group: batch statistics over consecutive groups of this many samples; None: the whole batch.
        statistics: batch statistics of each `view`, or of all views together (`batch`), as in
            code that concatenates the views, such as SimCLR's.
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
    statistics: Literal["view", "batch"] = "view"

    @model_validator(mode="after")
    def _groups_are_of_one_view(self) -> Self:
        if self.group is not None and self.statistics == "batch":
            raise ValueError("`group` counts samples of one view: leave out `statistics: batch`")
        return self

    @model_serializer(mode="wrap")
    def _without_default_statistics(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit `statistics: view`, so that ids are the same as before it existed."""
        written: dict[str, Any] = rest(self)
        return {k: v for k, v in written.items() if (k, v) != ("statistics", "view")}


examples = MappingProxyType(
    {
        "": Example(
            {"x": stream("VBND", 2, 16, 6, grid=(4, 4))}, {"widths": [8, 5], "activation": "gelu"}
        ),
        "batch": Example(
            {"x": stream("VBD", 2, 6)},
            {"widths": [8, 5], "norm": "batch", "last_norm": "batch", "normalise": True},
        ),
        "batch of all views": Example(
            {"x": stream("VBD", 2, 6)}, {"widths": [8, 5], "norm": "batch", "statistics": "batch"}
        ),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """`[…, B, …, D]` with the last width as D."""
    return need_axes(streams, "x", "B", "D").resized("D", params.widths[-1])


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:
    """Return the module; see `eqspec.nn.heads.mlp`."""
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
        statistics=params.statistics,
    )
    return Mlp(streams["x"].size("D"), design=design, world=world)
