"""Rotation about the image centre; positive is counter-clockwise.

Equivariance-coherent SSL (arXiv:2503.18753), table of considered transformations. The sign is that
of torchvision's `rotate`; its `affine` rotates in the other direction.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from eqspec.nn.pixels.canvas import rigid_reach
from eqspec.nn.random.ranges import Angles, largest
from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.nn.pixels.path import At, Border

rev = 1
path = True
kind = "geometry"
names = ("angle",)
identity = (0.0,)
action_dim = 2


class Params(OpParams):
    """Range of angles.

    Attributes:
        degrees: lowest and highest angle in degrees.
    """

    degrees: Angles = (0.0, 0.0)


example = MappingProxyType({"degrees": (-45.0, 45.0)})


def ranges(params: Params, *, size: int) -> tuple[tuple[float, float], ...]:  # noqa: ARG001 - the contract of transforms
    """Degrees."""
    return (params.degrees,)


def encode(params: Params, theta: NDArray[np.float64], *, size: int) -> NDArray[np.float64]:  # noqa: ARG001 - as above
    """(cos, sin) of angles `[n, 1]`, `[n, 2]`."""
    angle = np.deg2rad(theta)
    return np.concatenate((np.cos(angle), np.sin(angle)), axis=1)


def reach(params: Params, *, size: int) -> float:
    """Pixels by which the corners of a rotated frame leave it."""
    return rigid_reach(degrees=largest(params.degrees), pixels=0.0, size=size)


def back(theta: NDArray[np.float64], *, fraction: float) -> NDArray[np.float64]:
    """Return the part of the transform between the two points, reversed."""
    return (fraction - 1) * theta


def build(params: Params, *, size: int, border: Border) -> At:  # noqa: ARG001 - as above
    """Return the warp; see `eqspec.nn.pixels.warp`."""
    from eqspec.nn.pixels.path import points
    from eqspec.nn.pixels.warp import rigid

    def at(canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:
        degrees_KB = points(theta, fractions, like=canvas)[..., 0]
        shift_KB2 = degrees_KB.new_zeros((*degrees_KB.shape, 2))
        return rigid(canvas, degrees_KB=degrees_KB, shift_KB2=shift_KB2, size=size, border=border)

    return at
