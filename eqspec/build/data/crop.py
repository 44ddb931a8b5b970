"""Random resized crops: the box as a pure function of uniform draws, and the antialiased resize.

The semantics are those of torchvision's `RandomResizedCrop` (share of the area uniform, aspect
ratio log-uniform, place uniform) without its rejection loop and without rounding to whole pixels:
a box that does not fit is shrunk with its ratio kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from eqspec.compile.types.view_plan import CropPlan

UNIFORMS = 4
"""Draws that one box takes: share of the area, ratio, horizontal place, vertical place."""

FILTERS = MappingProxyType(
    {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
)
"""PIL's filters, all of them antialiased when they minify."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in a source image, in pixels; the whole image is (0, 0, width, height)."""

    left: float
    top: float
    right: float
    bottom: float


def crop_box(
    crop: CropPlan, uniforms: Sequence[float], *, width: int, height: int, margin: float = 1.0
) -> Box:
    """Return the box to cut from a source image and to resize to a canvas.

    Args:
        crop: ranges of the area's share and of the ratio, or a square about the centre.
        uniforms: `UNIFORMS` draws in [0, 1).
        width: of the source in pixels.
        height: of the source in pixels.
        margin: canvas over view; the box is that much larger than the drawn box of the view, with
            the same centre, and inside the source.

    Returns:
        The enlarged box.
    """
    if crop.centre is not None:
        side = min(margin * crop.centre, 1.0) * min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return Box(left, top, left + side, top + side)
    share = _between(crop.scale, uniforms[0])
    ratio = math.exp(_between((math.log(crop.ratio[0]), math.log(crop.ratio[1])), uniforms[1]))
    area = share * width * height
    wide, high = margin * math.sqrt(area * ratio), margin * math.sqrt(area / ratio)
    shrink = min(1.0, width / wide, height / high)
    wide, high = min(shrink * wide, width), min(shrink * high, height)
    left, top = uniforms[2] * (width - wide), uniforms[3] * (height - high)
    return Box(left, top, min(left + wide, width), min(top + high, height))


def shown_box(box: Box, *, width: int, height: int, margin: float) -> tuple[float, ...]:
    """Return a view's part of its source: (left, top, width, height), in shares of its sides.

    Args:
        box: result of `crop_box`, including the margin, which the view leaves out.
        width: of the source in pixels.
        height: of the source in pixels.
        margin: canvas over view.
    """
    wide, high = (box.right - box.left) / margin, (box.bottom - box.top) / margin
    left, top = (box.left + box.right - wide) / 2, (box.top + box.bottom - high) / 2
    return left / width, top / height, wide / width, high / height


def effective_scale(
    crop: CropPlan, *, width: int, height: int, size: int, canvas: int
) -> tuple[float, float]:
    """Return the effective range of a view's share of the area, after boxes were shrunk to fit.

    Args:
        crop: the requested ranges.
        width: of a source image in pixels.
        height: of a source image in pixels.
        size: side of the view.
        canvas: side of the view with its margin.

    Returns:
        (low, high), each at most the requested value.
    """
    margin, aspect = canvas / size, width / height

    def largest(ratio: float) -> float:
        return min(aspect / ratio, ratio / aspect) / margin**2

    low, high = crop.ratio
    squarest = min(max(aspect, low), high)
    return (
        min(crop.scale[0], largest(low), largest(high)),
        min(crop.scale[1], largest(squarest)),
    )


def resize(
    image: NDArray[np.uint8], box: Box, *, canvas: int, interpolation: str
) -> NDArray[np.uint8]:
    """Return a box of an image `[H, W, 3]`, resized with antialiasing to `[canvas, canvas, 3]`.

    Pixels outside the box, rounded outwards, have no influence: cropping comes before resizing.
    """
    left, top = math.floor(box.left), math.floor(box.top)
    hull = image[top : math.ceil(box.bottom), left : math.ceil(box.right)]
    inside = (box.left - left, box.top - top, box.right - left, box.bottom - top)
    picture = Image.fromarray(hull)
    return np.asarray(picture.resize((canvas, canvas), FILTERS[interpolation], box=inside))


def _between(ends: tuple[float, float], uniform: float) -> float:
    return ends[0] + uniform * (ends[1] - ends[0])
