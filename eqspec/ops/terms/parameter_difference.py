"""Squared error of predicting the difference of a step's parameters between two views.

AugSelf (arXiv:2111.09613), section 3.1: the difference of the parameters of two augmentations, in
units of their ranges, compared with the tanh of a prediction.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, NoParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
Params = NoParams
ports = (Port("predictions", many=True), Port("parameters"))


examples = MappingProxyType(
    {
        "": Example(
            {
                "predictions.0": stream("BD", 4),
                "predictions.1": stream("BD", 4),
                "parameters": stream("VBD", 2, 4),
            },
            frozen=("parameters",),
        )
    }
)


def shapes(params: NoParams, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from two predictions `[B, D]` and the parameters of two views `[2, B, D]`.

    The first prediction is for the first view's parameters minus the second's, the other one for
    the reverse.
    """
    parameters = need_axes(streams, "parameters", "V", "B", "D")
    if parameters.size("V") != 2:
        raise PortError("parameters", f"compares exactly two views, but reads {parameters}")
    predictions = [kind for port, kind in streams.items() if port.startswith("predictions.")]
    wanted = parameters.without("V")
    if len(predictions) != 2 or any(kind.sizes != wanted.sizes for kind in predictions):
        read = " and ".join(map(str, predictions))
        raise PortError("predictions", f"needs two streams {wanted}, one per order; reads {read}")
    return SCALAR


def build(params: NoParams, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.parameter_difference`."""
    from eqspec.nn.terms.parameter_difference import ParameterDifference

    return ParameterDifference()
