"""A transformer that predicts the pixels of all patches from the tokens of the kept patches.

He et al., Masked Autoencoders Are Scalable Vision Learners (arXiv:2111.06377), section 3.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"), Port("keep"))


class Params(OpParams):
    """Architecture of the decoder.

    Attributes:
        width: features of a token in the decoder.
        depth: number of blocks.
        heads: attention heads; must divide the width.
        image_size: side of the images in pixels. Filled in by the compiler.
    """

    width: int = Field(gt=0, multiple_of=4)
    depth: int = Field(gt=0)
    heads: int = Field(gt=0)
    image_size: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"heads = {self.heads} does not divide width = {self.width}")
        return self


examples = MappingProxyType(
    {
        "": Example(
            {
                "x": stream("VBND", 2, 6, 6, prefix=1),
                "keep": stream("VBM", 2, 5, dtype="int", grid=(4, 4)),
            },
            {"width": 8, "depth": 1, "heads": 2, "image_size": 16},
        )
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """Pixels `[…, B, N, patch²·3]`, ordered row, column, channel, from tokens `[…, B, N, D]`."""
    x = need_axes(streams, "x", "B", "N", "D")
    keep = need_axes(streams, "keep", "B", "M")
    if x.size("N") != x.prefix + keep.size("M"):
        raise PortError("x", f"needs one token per kept id {keep} after its prefix, reads {x}")
    rows, columns = _grid(keep)
    patch = _patch(params, keep)
    return StreamType(
        axes=x.axes,
        sizes=(*x.sizes[:-2], rows * columns, 3 * patch**2),
        grid=(rows, columns),
    )


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - the contract of ops
    """Return the module; see `eqspec.nn.heads.mae_decoder`."""
    from eqspec.nn.heads.mae_decoder import MaeDecoder

    x, keep = streams["x"], streams["keep"]
    return MaeDecoder(
        x.size("D"),
        prefix=x.prefix,
        grid=_grid(keep),
        outputs=3 * _patch(params, keep) ** 2,
        width=params.width,
        depth=params.depth,
        heads=params.heads,
    )


def _grid(keep: StreamType) -> tuple[int, int]:
    if keep.grid is None:
        raise PortError("keep", f"needs ids of patches on a grid, reads {keep}")
    return keep.grid


def _patch(params: Params, keep: StreamType) -> int:
    side, (rows, columns) = params.image_size, _grid(keep)
    if side is None:
        raise PortError("keep", "an MAE decoder needs the size of the images: set `image_size`")
    if side % rows or rows != columns:
        raise PortError("keep", f"a grid of {rows}x{columns} does not divide a {side}x{side} image")
    return side // rows
