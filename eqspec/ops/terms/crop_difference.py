"""Squared error of predicting the relative position and size of the crop boxes of two views.

AugSelf (arXiv:2111.09613), section 3.1 and the official repository: the differences of the boxes'
centres and sides as fractions of the image, seen from the first view, hence mirrored if that view
is flipped.
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
ports = (Port("predictions", many=True), Port("crop"), Port("flip"))

_BOX = 4


examples = MappingProxyType(
    {
        "": Example(
            {
                "predictions.0": stream("BD", 4),
                "predictions.1": stream("BD", 4),
                "crop": stream("VBD", 2, 4),
                "flip": stream("VBD", 2, 1),
            },
            frozen=("crop", "flip"),
        )
    }
)


def shapes(params: NoParams, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from two predictions `[B, 4]`, boxes `[2, B, 4]` and flips `[2, B, 1]`.

    The first prediction is the box of the first view relative to the second's, the other one the
    reverse: down, right, height, width.
    """
    crop, flip = (
        need_axes(streams, "crop", "V", "B", "D"),
        need_axes(streams, "flip", "V", "B", "D"),
    )
    if (crop.size("V"), crop.size("D")) != (2, _BOX):
        raise PortError("crop", f"needs the boxes of exactly two views, but reads {crop}")
    if (flip.size("V"), flip.size("D")) != (2, 1):
        raise PortError("flip", f"needs one number for each of two views, but reads {flip}")
    predictions = [kind for port, kind in streams.items() if port.startswith("predictions.")]
    wanted = crop.without("V")
    if len(predictions) != 2 or any(kind.sizes != wanted.sizes for kind in predictions):
        read = " and ".join(map(str, predictions))
        raise PortError("predictions", f"needs two streams {wanted}, one per order; reads {read}")
    return SCALAR


def build(params: NoParams, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.parameter_difference`."""
    from eqspec.nn.terms.parameter_difference import CropDifference

    return CropDifference()
