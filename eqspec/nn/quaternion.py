"""3D rotations as unit quaternions (x, y, z, w), the scalar last. Free of torch.

q and −q represent the same rotation; these functions do not choose between them. Hamilton product
and conventions as in scipy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def from_euler(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the quaternions `[n, 4]` of rotations about the fixed axes x, y and z, in this order.

    Angles `[n, 3]` are in radians. The result is the product of the quaternions of the three
    rotations; zero angles give (0, 0, 0, 1).
    """
    about_x, about_y, about_z = (_turn(angles[:, axis], axis=axis) for axis in range(3))
    return after(about_z, after(about_y, about_x))


def after(second: NDArray[np.float64], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the product `[n, 4]`: the rotation `first`, followed by `second`."""
    a, b = second[:, :3], first[:, :3]
    s, t = second[:, 3:], first[:, 3:]
    vector = s * b + t * a + np.cross(a, b)
    return np.concatenate([vector, s * t - (a * b).sum(axis=1, keepdims=True)], axis=1)


def inverse(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inverse rotations `[n, 4]`: negated vectors, unchanged scalars."""
    return rotations * np.array([-1.0, -1.0, -1.0, 1.0])


def _turn(angles: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    """Return the quaternions of rotations about one axis."""
    turned = np.zeros((len(angles), 4))
    turned[:, axis], turned[:, 3] = np.sin(angles / 2), np.cos(angles / 2)
    return turned
