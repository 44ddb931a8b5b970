"""Geometric warps: one bilinear resampling per image, on grids in pixels about the frame's centre.

Coordinates are those of pixel centres, x to the right and y down, so the centre of a frame is at
(size − 1)/2: identity and whole-pixel shifts hit pixel centres exactly and return their values bit
for bit. Semantics of `align_corners=False`; arXiv:2503.18753 leaves all of this open.
Legend: K path points, B samples, C channels, H W the image looked at, h w the image made.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol

import torch
from torch.nn import functional as F

from eqspec.nn.pixels.path import window
from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.nn.pixels.path import Border


def rigid(
    canvas_BCHW: Tensor, *, degrees_KB: Tensor, shift_KB2: Tensor, size: int, border: Border
) -> Tensor:
    """The frame of a canvas, turned about its centre and then shifted.

    Args:
        canvas_BCHW: images with the frame in their middle; under `reflect` and `zeros` nothing
            outside of the frame is looked at.
        degrees_KB: angles, positive is counter-clockwise to the eye.
        shift_KB2: shifts along x and y in pixels, positive is right and down.
        size: side of the frame.
        border: what lies outside; on a canvas that was made too small, `canvas` mirrors it.

    Returns:
        `[K, B, C, size, size]`, at least float32.
    """
    coordinates = partial(rigid_coordinates, degrees_KB, shift_KB2, size=size)
    return resampled(canvas_BCHW, coordinates, size=size, border=border)


class Coordinates(Protocol):
    """Where the pixels of warped frames look."""

    def __call__(self, *, high: int, wide: int) -> Tensor:
        """Return x, then y, in pixels of an image of `high` rows and `wide` columns.

        The frame is in the middle of the image.

        Returns:
            `[B, 2, K, size, size]`.
        """
        ...


def resampled(
    canvas_BCHW: Tensor, coordinates: Coordinates, *, size: int, border: Border
) -> Tensor:
    """Return the frame of a canvas, warped: one bilinear sample for each pixel.

    Args:
        canvas_BCHW: images with the frame in their middle.
        coordinates: of the samples.
        size: side of the frame.
        border: what lies outside; on a canvas that was made too small, `canvas` mirrors it.

    Returns:
        `[K, B, C, size, size]`, at least float32.
    """
    frame = window(canvas_BCHW, size=size)
    source = at_least_fp32(canvas_BCHW) if border == "canvas" else frame
    high, wide = source.shape[-2:]
    at = coordinates(high=high, wide=wide)
    outside = "zeros" if border == "zeros" else "reflect"
    # All points of a sample as one tall image: its source need not be copied K times.
    tall = bilinear(source, at.flatten(2, 3), outside=outside)
    return tall.unflatten(2, (-1, size)).permute(2, 0, 1, 3, 4)


def rigid_coordinates(
    degrees_KB: Tensor, shift_KB2: Tensor, *, size: int, high: int, wide: int
) -> Tensor:
    """Where the pixels of a turned and shifted frame look in the image it is the middle of.

    Args:
        degrees_KB: angles, positive is counter-clockwise to the eye.
        shift_KB2: shifts along x and y, in pixels.
        size: side of the frame.
        high: rows of the image.
        wide: columns of the image.

    Returns:
        `[B, 2, K, size, size]`: x, then y, in pixels of the image.
    """
    degrees_BK, shift_BK2 = degrees_KB.mT, shift_KB2.movedim(0, 1)
    angle_BK = torch.deg2rad(at_least_fp32(degrees_BK))
    cos, sin = angle_BK.cos(), angle_BK.sin()
    x, y = shift_BK2.unbind(-1)
    across_B2K11 = torch.stack((cos, sin), dim=1)[..., None, None]
    down_B2K11 = torch.stack((-sin, cos), dim=1)[..., None, None]
    x_middle = (wide - 1) / 2 - (cos * x - sin * y)
    y_middle = (high - 1) / 2 - (sin * x + cos * y)
    middle_B2K11 = torch.stack((x_middle, y_middle), dim=1)[..., None, None]
    axis = torch.arange(size, dtype=cos.dtype, device=cos.device) - (size - 1) / 2
    return across_B2K11 * axis + (down_B2K11 * axis[:, None] + middle_B2K11)


def bilinear(
    image_BCHW: Tensor, at_B2hw: Tensor, *, outside: Literal["reflect", "zeros"]
) -> Tensor:
    """The image's values at given points, interpolated between the four pixels around each.

    `grid_sample` wants coordinates in [−1, 1] and turns them back into pixels. Dividing by the
    side and multiplying again is exact only when the side is a power of two, so the image is
    padded to one and whole pixels survive the round trip on every device.

    Args:
        image_BCHW: float32 or float64.
        at_B2hw: x, then y, in pixels; of the image's dtype.
        outside: mirror the image about its edges (as often as it takes), or see black.

    Returns:
        `[B, C, h, w]`.
    """
    sides = image_BCHW.shape[-1], image_BCHW.shape[-2]
    grid_B2hw = at_B2hw + 0.5
    padded = [1 << (side - 1).bit_length() for side in sides]
    for axis, (side, whole) in enumerate(zip(sides, padded, strict=True)):
        plane_Bhw = grid_B2hw[:, axis]
        if outside == "reflect":
            plane_Bhw.remainder_(2 * side).sub_(side).abs_().neg_().add_(side)
            plane_Bhw.clamp_(0.5, side - 0.5)
        plane_Bhw.mul_(2 / whole).sub_(1)
    image = F.pad(image_BCHW, (0, padded[0] - sides[0], 0, padded[1] - sides[1]))
    grid_Bhw2 = grid_B2hw.permute(0, 2, 3, 1)
    return F.grid_sample(
        image, grid_Bhw2, mode="bilinear", padding_mode="zeros", align_corners=False
    )
