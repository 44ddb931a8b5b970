"""A light decoder from equivariant patch features to an image in (0, 1).

Equivariance-coherent feature representation (arXiv:2503.18753), figure 1: a token-wise linear map
to `width` features, then as many up-convolutions as the patch size requires. `blocks` adds
attention between all tokens, so that content can move across the grid; `pooled` is a vector that
every token is given besides its own, such as the mean patch of the other view. The paper has
neither.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, PortError, Streams, StreamType, need_axes

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (Port("x"), Port("pooled", optional=True))
per_view = True


class Params(OpParams):
    """Architecture of the decoder.

    Attributes:
        image_size: side of the images in pixels. Filled in by the compiler.
        width: features after the first linear map, halved by each up-convolution; 256 in the paper.
        group: batch statistics over consecutive groups of this many samples; None: the whole batch.
        blocks: transformer blocks between the tokens, before the up-convolutions; 0 in the paper.
        heads: attention heads of the blocks; must divide the width.
    """

    image_size: int | None = Field(default=None, gt=0)
    width: int = Field(256, gt=0)
    group: int | None = Field(default=None, gt=0)
    blocks: int = Field(default=0, ge=0)
    heads: int = Field(default=4, gt=0)


examples = MappingProxyType(
    {
        "": Example({"x": stream("BND", 16, 6, grid=(4, 4))}, {"image_size": 16}),
        "attention": Example(
            {"x": stream("BND", 16, 6, grid=(4, 4))}, {"image_size": 16, "width": 16, "blocks": 1}
        ),
        "pooled": Example(
            {"x": stream("BND", 16, 6, grid=(4, 4)), "pooled": stream("BD", 5)}, {"image_size": 16}
        ),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """Images `[…, B, 3, H, W]` from patch tokens `[…, B, N, D]` on a grid, and `[…, B, D']`."""
    x = need_axes(streams, "x", "B", "N", "D")
    if "pooled" in streams:
        pooled = need_axes(streams, "pooled", "B", "D")
        if pooled.axes != (*x.axes[:-2], "D"):
            raise PortError("pooled", f"needs one vector for each image of {x}, but reads {pooled}")
    _steps(params, x)
    side = params.image_size
    assert side is not None, "`_steps` refuses a decoder without an image size"
    return StreamType(axes=(*x.axes[:-2], "C", "H", "W"), sizes=(*x.sizes[:-2], 3, side, side))


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:
    """Return the module; see `eqspec.nn.heads.pixel_decoder`."""
    from eqspec.nn.heads.pixel_decoder import PixelDecoder

    x = streams["x"]
    assert x.grid is not None, "`shapes` refuses tokens without a grid"
    widths = tuple(params.width >> step for step in range(_steps(params, x)))
    return PixelDecoder(
        x.size("D"),
        grid=x.grid,
        widths=widths,
        world=world,
        group=params.group,
        blocks=params.blocks,
        heads=params.heads,
        pooled=streams["pooled"].size("D") if "pooled" in streams else None,
    )


def _steps(params: Params, x: StreamType) -> int:
    """Return how many times the grid is doubled: log2 of the patch side."""
    side = params.image_size
    if side is None:
        raise PortError("x", "a pixel decoder needs the size of the images: set `image_size`")
    if x.grid is None or x.prefix:
        raise PortError("x", f"needs patch tokens only (`select: patches`), reads {x}")
    patch = side // x.grid[0]
    if any(cells * patch != side for cells in x.grid) or patch < 2 or patch & (patch - 1):
        raise PortError(
            "x",
            f"needs patches whose side is a power of two, but has {x.grid[0]}x{x.grid[1]} patches "
            f"of a {side}x{side} image",
        )
    steps = patch.bit_length() - 1
    if params.width % (1 << (steps - 1)):
        raise PortError(
            "x",
            f"halves its width {steps - 1} times, which a width of {params.width} does not allow",
        )
    if params.blocks and (params.width % params.heads or params.width % 4):
        raise PortError(
            "x",
            f"its blocks need a width that {params.heads} heads and 4 divide, not {params.width}",
        )
    return steps
