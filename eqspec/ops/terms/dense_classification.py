"""Cross-entropy of the classes of pixels, from logits of patches.

The loss of semantic segmentation by a head on patch tokens (arXiv:1411.4038): logits are enlarged
to the mask bilinearly; the mean over the samples of the mean over their labelled pixels.
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
ports = (Port("x"), Port("mask"))
examples = MappingProxyType(
    {
        "": Example(
            {
                "x": stream("BND", 4, 4, grid=(2, 2)),
                "mask": stream("BHW", 6, 6, dtype="int"),
            }
        )
    }
)


def shapes(params: NoParams, streams: Streams) -> StreamType:  # noqa: ARG001 - the contract of ops
    """A scalar, from logits of patches `[B, N, D]` and classes of pixels `[B, H, W]`."""
    x = need_axes(streams, "x", "B", "N", "D")
    mask = need_axes(streams, "mask", "B", "H", "W")
    if x.axes != ("B", "N", "D") or x.grid is None or x.prefix:
        raise PortError("x", f"needs patch tokens [B, N, D] in a grid, but reads {x}")
    if mask.axes != ("B", "H", "W") or mask.dtype != "int":
        raise PortError("mask", f"needs one class per pixel, but reads {mask}")
    return SCALAR


def build(params: NoParams, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - as above
    """The module; see `eqspec.nn.terms.dense_classification`."""
    from eqspec.nn.terms.dense_classification import DenseClassification

    grid = streams["x"].grid
    assert grid is not None, "checked by `shapes`"
    return DenseClassification(grid=grid)
