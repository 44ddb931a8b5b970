"""Geometry of an image: where crops, flips, resizes and warps put its pixels.

Coordinates are continuous, x to the right and y down: pixel (row r, column c) covers
[c, c + 1) × [r, r + 1), so an image of width W spans x from 0 to W. A sequence of operations is one
homography, by which targets move once, without repeated rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DECIMALS = 9
"""Source coordinates are rounded to so many decimals, so that a pixel's edge stays an edge."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A map from a source image to an output image.

    Attributes:
        matrix: homography `[3, 3]` of (x, y, 1) from source to output.
        source: (height, width) of the source.
        size: (height, width) of the output.
    """

    matrix: NDArray[np.float64] = field(repr=False)
    source: tuple[int, int]
    size: tuple[int, int]

    @classmethod
    def identity(cls, source: tuple[int, int]) -> Geometry:
        """Return the map of an image to itself."""
        return cls(np.eye(3), source, source)

    @classmethod
    def crop(
        cls,
        source: tuple[int, int],
        *,
        box: tuple[float, float, float, float],
        size: tuple[int, int] | None = None,
    ) -> Geometry:
        """Return the cut of a box, resized.

        Args:
            source: (height, width).
            box: left, top, right and bottom in pixels of the source.
            size: (height, width) of the output; by default that of the box, without a resize.
        """
        left, top, right, bottom = box
        high, wide = size or (round(bottom - top), round(right - left))
        x, y = wide / (right - left), high / (bottom - top)
        matrix = np.array([[x, 0, -left * x], [0, y, -top * y], [0, 0, 1]], np.float64)
        return cls(matrix, source, (high, wide))

    @classmethod
    def resize(cls, source: tuple[int, int], *, size: tuple[int, int]) -> Geometry:
        """Return the resize of a whole image to (height, width)."""
        return cls.crop(source, box=(0, 0, source[1], source[0]), size=size)

    @classmethod
    def flip(cls, source: tuple[int, int]) -> Geometry:
        """Return the horizontal flip."""
        matrix = np.array([[-1, 0, source[1]], [0, 1, 0], [0, 0, 1]], np.float64)
        return cls(matrix, source, source)

    def then(self, after: Geometry) -> Geometry:
        """Return this map followed by another one of its output."""
        assert after.source == self.size, "the second map starts from the output of the first"
        return Geometry(after.matrix @ self.matrix, self.source, after.size)

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged."""
        return bool(np.linalg.det(self.matrix) < 0)

    def points(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where points `[..., 2]` of the source lie in the output."""
        return moved_points(self.matrix, xy)

    def contains(self, xy: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which points `[..., 2]` of the output are inside it, edges included."""
        high, wide = self.size
        x, y = xy[..., 0], xy[..., 1]
        return (x >= 0) & (x <= wide) & (y >= 0) & (y <= high)

    def sampled(self, values: NDArray[np.generic], *, outside: float) -> NDArray[np.generic]:
        """Return the output of an array `[..., H, W]`, by nearest neighbour.

        Args:
            values: of the source, with its height and width last.
            outside: value of pixels from outside the source.
        """
        assert values.shape[-2:] == self.source, "the array has the size of the image"
        high, wide = self.size
        rows, columns = np.mgrid[:high, :wide] + 0.5
        inverse = np.linalg.inv(self.matrix).astype(np.float64)
        back = moved_points(inverse, np.stack([columns, rows], axis=-1))
        at = np.floor(back.round(_DECIMALS)).astype(np.int64)
        x, y = at[..., 0], at[..., 1]
        inside = (x >= 0) & (x < self.source[1]) & (y >= 0) & (y < self.source[0])
        found = values[..., np.where(inside, y, 0), np.where(inside, x, 0)]
        return np.where(inside, found, np.asarray(outside, values.dtype))


def moved_points(matrix: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points `[..., 2]` moved by a homography `[3, 3]`."""
    ones = np.ones((*xy.shape[:-1], 1))
    moved = np.concatenate([xy, ones], axis=-1) @ matrix.T
    return moved[..., :2] / moved[..., 2:]
