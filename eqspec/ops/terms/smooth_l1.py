"""Smooth L1 distance between predicted features and those of a teacher, which get no gradient.

I-JEPA (arXiv:2301.08243), section 3, as released: beta 1, a mean over all axes, targets with a
layer norm without affine parameters. Only valid tokens of a block count.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 2
ports = (Port("x"), Port("y"), Port("valid", optional=True))


class Params(OpParams):
    """Targets.

    Attributes:
        target_norm: ``layer`` normalises each target to mean 0 and variance 1 over its features.
    """

    target_norm: Literal["none", "layer"] = "none"


examples = MappingProxyType(
    {
        "": Example(
            {"x": stream("VBTPD", 1, 4, 6, 5), "y": stream("VBTPD", 1, 4, 6, 5)},
            {"target_norm": "layer"},
            frozen=("y",),
        ),
        "some": Example(
            {
                "x": stream("VBTPD", 1, 4, 6, 5),
                "y": stream("VBTPD", 1, 4, 6, 5),
                "valid": stream("VBTP", 1, 4, 6, dtype="bool"),
            },
            {"target_norm": "layer"},
            frozen=("y",),
        ),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from two streams of the same axes and sizes, features last."""
    x, y = need_axes(streams, "x", "B", "D"), need_axes(streams, "y", "B", "D")
    if (x.axes, x.sizes) != (y.axes, y.sizes):
        raise PortError("y", f"must have the shape of `x`, {x}, but reads {y}")
    if "valid" in streams and streams["valid"].sizes != x.without("D").sizes:
        raise PortError("valid", f"needs one truth value per token of {x}: {streams['valid']}")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.latent_prediction`."""
    from eqspec.nn.terms.latent_prediction import SmoothL1

    return SmoothL1(normalise=params.target_norm == "layer")
