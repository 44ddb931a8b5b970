"""Squared error of the predicted pixels of masked patches.

MAE (arXiv:2111.06377), section 3: a mean over the values of a patch, then over masked patches.
Targets are the normalised images that the encoder reads.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from eqspec.ops.example import Example, stream
from eqspec.ops.op import SCALAR, OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("prediction"), Port("images"), Port("keep"))


class Params(OpParams):
    """Targets.

    Attributes:
        norm_pix: whether the pixels of each patch are normalised to mean 0 and (unbiased)
            variance 1.
    """

    norm_pix: bool = False


examples = MappingProxyType(
    {
        "": Example(
            {
                "prediction": stream("VBND", 1, 16, 12, grid=(4, 4)),
                "images": stream("VBCHW", 1, 3, 8, 8),
                "keep": stream("VBM", 1, 4, dtype="int", grid=(4, 4)),
            },
            {"norm_pix": True},
        )
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from `[V, B, N, P]` predictions, `[V, B, C, H, W]` images and `[V, B, M]` ids."""
    prediction = need_axes(streams, "prediction", "V", "B", "N", "D")
    images = need_axes(streams, "images", "V", "B", "C", "H", "W")
    keep = need_axes(streams, "keep", "V", "B", "M")
    if prediction.grid is None or prediction.prefix:
        raise PortError(
            "prediction", f"needs patches only, on a known grid, but reads {prediction}"
        )
    rows, columns = prediction.grid
    if images.size("H") % rows or images.size("W") % columns:
        raise PortError("images", f"{images} cannot be cut into {rows} x {columns} patches")
    values = images.size("C") * (images.size("H") // rows) * (images.size("W") // columns)
    if prediction.size("D") != values:
        raise PortError(
            "prediction", f"needs {values} values per patch of {images}, but reads {prediction}"
        )
    if keep.dtype != "int" or keep.size("M") >= prediction.size("N"):
        raise PortError("keep", f"needs ids of some of {prediction.size('N')} patches, not {keep}")
    return SCALAR


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """Return the module; see `eqspec.nn.terms.squared_error`."""
    from eqspec.nn.terms.squared_error import MaskedPatchMSE

    grid = streams["prediction"].grid
    assert grid is not None, "`shapes` has refused predictions without a grid"
    return MaskedPatchMSE(grid=grid, norm_pix=params.norm_pix)
