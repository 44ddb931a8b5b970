"""Rotations of space as unit quaternions (x, y, z, w), the scalar last. Free of torch.

q and −q are one rotation; nothing here chooses between them. Hamilton's product; scipy's
conventions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def from_euler(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quaternions `[n, 4]` of turns about the fixed axes x, then y, then z by angles `[n, 3]`.

    Radians. The product of the three turns' quaternions, whose scalars are cosines of half an
    angle; no angles give (0, 0, 0, 1).
    """
    about_x, about_y, about_z = (_turn(angles[:, axis], axis=axis) for axis in range(3))
    return after(about_z, after(about_y, about_x))


def after(second: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """The product `[n, 4]`: the rotation `first`, then `second`."""
    a, b = second[:, :3], first[:, :3]
    s, t = second[:, 3:], first[:, 3:]
    vector = s * b + t * a + np.cross(a, b)
    return np.concatenate([vector, s * t - (a * b).sum(axis=1, keepdims=True)], axis=1)


def inverse(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotations backwards, `[n, 4]`: the vectors turn their signs, the scalars keep theirs."""
    return rotations * np.array([-1.0, -1.0, -1.0, 1.0])


def _turn(angles: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """Quaternions of turns about one axis."""
    turned = np.zeros((len(angles), 4))
    turned[:, axis], turned[:, 3] = np.sin(angles / 2), np.cos(angles / 2)
    return turned
