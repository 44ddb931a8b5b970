"""Rigid motion: rotation about the image centre, then translation.

Equivariance-coherent SSL (arXiv:2503.18753), table of considered transformations. The points of a
path scale angle and shifts linearly ("equidistant parameters"), unlike a screw motion.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import Field, model_validator

from eqspec.nn.pixels.canvas import rigid_reach
from eqspec.nn.random.ranges import Angles, Range, largest, per_largest, scaled, within_side
from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.nn.pixels.path import At, Border

rev = 1
path = True
kind = "geometry"
names = ("angle", "tx", "ty")
identity = (0.0, 0.0, 0.0)
action_dim = 5


class Params(OpParams):
    """Ranges of angles and shifts.

    Attributes:
        degrees: lowest and highest angle, positive is counter-clockwise.
        pixels: lowest and highest shift, the same for both axes; positive is right and down.
        at: image size to which `pixels` refers.
    """

    degrees: Angles = (0.0, 0.0)
    pixels: Range = (0.0, 0.0)
    at: int = Field(default=224, gt=0)

    @model_validator(mode="after")
    def _shifts_stay_in_the_image(self) -> Self:
        within_side(self.pixels, at=self.at)
        return self


example = MappingProxyType({"degrees": (-45.0, 45.0), "pixels": (-10.0, 10.0), "at": 64})


def ranges(params: Params, *, size: int) -> tuple[tuple[float, float], ...]:
    """Ranges in degrees, and in pixels of an image of side `size`."""
    pixels = scaled(params.pixels, size / params.at)
    return params.degrees, pixels, pixels


def encode(params: Params, theta: NDArray[np.float64], *, size: int) -> NDArray[np.float64]:
    """(cos, sin, 1, tx, ty) of motions `[n, 3]`, shifts scaled to [−1, 1], `[n, 5]`."""
    angle = np.deg2rad(theta[:, :1])
    shift = theta[:, 1:] * [per_largest(bounds) for bounds in ranges(params, size=size)[1:]]
    return np.concatenate((np.cos(angle), np.sin(angle), np.ones_like(angle), shift), axis=1)


def reach(params: Params, *, size: int) -> float:
    """Pixels by which the corners of a rotated and shifted frame leave it."""
    degrees, pixels, _ = ranges(params, size=size)
    return rigid_reach(degrees=largest(degrees), pixels=largest(pixels), size=size)


def back(theta: NDArray[np.float64], *, fraction: float) -> NDArray[np.float64]:
    """Return the motion g(f·θ) ∘ g(θ)⁻¹: it turns by (f − 1)·φ, and shifts by f·t − R t.

    Angles are counter-clockwise with y down, so R = (cos, sin; −sin, cos).
    """
    degrees, x, y = ((fraction - 1) * theta[:, 0], theta[:, 1], theta[:, 2])
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    across = fraction * x - (cos * x + sin * y)
    down = fraction * y - (-sin * x + cos * y)
    return np.stack((degrees, across, down), axis=1)


def build(params: Params, *, size: int, border: Border) -> At:  # noqa: ARG001 - the contract of transforms
    """Return the warp; see `eqspec.nn.pixels.warp`."""
    from eqspec.nn.pixels.path import points
    from eqspec.nn.pixels.warp import rigid

    def at(canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:
        motion_KB3 = points(theta, fractions, like=canvas)
        degrees_KB, shift_KB2 = motion_KB3[..., 0], motion_KB3[..., 1:]
        return rigid(canvas, degrees_KB=degrees_KB, shift_KB2=shift_KB2, size=size, border=border)

    return at
