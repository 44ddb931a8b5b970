"""Geometric warps: one bilinear resampling per image, on a grid in pixels about the frame's centre.

Coordinates refer to pixel centres, x to the right and y down, so the centre of a frame is at
(size − 1)/2: the identity and whole-pixel shifts hit pixel centres exactly and return their values
bit for bit. Same semantics as `align_corners=False`; arXiv:2503.18753 does not specify any of this.
Legend: K path points, B samples, C channels, H W source image, h w resulting image.
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
    """Rotate the frame of a canvas about its centre, then shift it.

    Args:
        canvas_BCHW: images with the frame in their middle; `reflect` and `zeros` read only the
            frame.
        degrees_KB: angles in degrees, positive is counter-clockwise in the displayed image.
        shift_KB2: shifts along x and y in pixels, positive is right and down.
        size: side of the frame in pixels.
        border: pixels beyond the frame; `canvas` mirrors a canvas that is too small.

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
    # All path points of a sample form one tall image, so the source is not copied K times.
    tall = bilinear(source, at.flatten(2, 3), outside=outside)
    return tall.unflatten(2, (-1, size)).permute(2, 0, 1, 3, 4)


def rigid_coordinates(
    degrees_KB: Tensor, shift_KB2: Tensor, *, size: int, high: int, wide: int
) -> Tensor:
    """Return the source coordinates of the pixels of a rotated and shifted frame.

    Args:
        degrees_KB: angles in degrees, positive is counter-clockwise in the displayed image.
        shift_KB2: shifts along x and y in pixels.
        size: side of the frame in pixels.
        high: rows of the source image, whose middle is the frame.
        wide: columns of the source image.

    Returns:
        `[B, 2, K, size, size]`: x, then y, in pixels of the source image.
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
    """Sample an image at given points, interpolating between the four pixels around each.

    `grid_sample` takes coordinates in [−1, 1] and converts them back to pixels. Dividing by the
    side and multiplying again is exact only if the side is a power of two. The image is therefore
    padded to one, so that whole pixels survive the round trip on every device.

    Args:
        image_BCHW: float32 or float64.
        at_B2hw: x, then y, in pixels, in the dtype of the image.
        outside: mirror the image about its edges (repeatedly if needed), or return black.

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
