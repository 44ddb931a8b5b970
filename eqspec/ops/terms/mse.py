"""Squared difference of two streams: mean, mean over variance, or sum per image.

The reconstruction term of arXiv:2503.18753, equation 3 (a mean in the text, but a sum in the
formula), and the equivariance term of SIE (arXiv:2302.10283, equation 3). Both streams get
gradients.
"""

from __future__ import annotations

from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"), Port("y"))


class Params(OpParams):
    """Unit of the error.

    Attributes:
        reduction: ``mean`` over all axes; ``mean-over-variance``, the mean divided by `variance`,
            so that 1 is the error of a constant prediction; ``sum-per-image``, the sum over the
            axes after B and the mean over the others.
        variance: variance of the target values, for ``mean-over-variance``.
    """

    reduction: Literal["mean", "mean-over-variance", "sum-per-image"] = "mean"
    variance: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _variance_where_it_is_used(self) -> Self:
        if (self.variance is None) == (self.reduction == "mean-over-variance"):
            raise ValueError("`variance` is required by `reduction: mean-over-variance` only")
        return self


examples = MappingProxyType(
    {
        "": Example({"x": stream("BD", 6), "y": stream("BD", 6)}),
        "images": Example(
            {"x": stream("KBCHW", 2, 3, 4, 4), "y": stream("KBCHW", 2, 3, 4, 4)},
            {"reduction": "mean-over-variance", "variance": 0.07},
        ),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from two streams of the same axes and sizes."""
    x, y = need_axes(streams, "x", "B"), need_axes(streams, "y", "B")
    if (x.axes, x.sizes) != (y.axes, y.sizes):
        raise PortError("y", f"must have the shape of `x`, {x}, but reads {y}")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.squared_error`."""
    from eqspec.nn.terms.squared_error import MeanSquaredError

    x = streams["x"]
    per_image = prod(x.sizes[x.axes.index("B") + 1 :])
    scales = {
        "mean": 1.0,
        "mean-over-variance": 1 / (params.variance or 1),
        "sum-per-image": per_image,
    }
    return MeanSquaredError(scale=float(scales[params.reduction]))
