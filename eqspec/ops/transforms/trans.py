"""Translation by a real number of pixels along x and y; positive is right and down.

Equivariance-coherent SSL (arXiv:2503.18753), table of considered transformations: ±10 pixels at
224 px, scaled with the image.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import Field, model_validator

from eqspec.nn.pixels.canvas import rigid_reach
from eqspec.nn.random.ranges import Range, largest, per_largest, scaled, within_side
from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.nn.pixels.path import At, Border

rev = 1
path = True
kind = "geometry"
names = ("tx", "ty")
identity = (0.0, 0.0)
action_dim = 3


class Params(OpParams):
    """Range of shifts.

    Attributes:
        pixels: lowest and highest shift, the same for both axes.
        at: image size to which `pixels` refers.
    """

    pixels: Range = (0.0, 0.0)
    at: int = Field(default=224, gt=0)

    @model_validator(mode="after")
    def _shifts_stay_in_the_image(self) -> Self:
        within_side(self.pixels, at=self.at)
        return self


example = MappingProxyType({"pixels": (-10.0, 10.0), "at": 64})


def ranges(params: Params, *, size: int) -> tuple[tuple[float, float], ...]:
    """Ranges in pixels of an image of side `size`."""
    pixels = scaled(params.pixels, size / params.at)
    return pixels, pixels


def encode(params: Params, theta: NDArray[np.float64], *, size: int) -> NDArray[np.float64]:
    """(1, tx, ty) of shifts `[n, 2]`, each scaled to [−1, 1], `[n, 3]`."""
    shift = theta * [per_largest(bounds) for bounds in ranges(params, size=size)]
    return np.concatenate((np.ones((len(theta), 1)), shift), axis=1)


def reach(params: Params, *, size: int) -> float:
    """The largest shift in pixels."""
    pixels, _ = ranges(params, size=size)
    return rigid_reach(degrees=0.0, pixels=largest(pixels), size=size)


def back(theta: NDArray[np.float64], *, fraction: float) -> NDArray[np.float64]:
    """Return the part of the transform between the two points, reversed."""
    return (fraction - 1) * theta


def build(params: Params, *, size: int, border: Border) -> At:  # noqa: ARG001 - the contract of transforms
    """Return the warp; see `eqspec.nn.pixels.warp`."""
    from eqspec.nn.pixels.path import points
    from eqspec.nn.pixels.warp import rigid

    def at(canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:
        shift_KB2 = points(theta, fractions, like=canvas)
        degrees_KB = shift_KB2.new_zeros(shift_KB2.shape[:-1])
        return rigid(canvas, degrees_KB=degrees_KB, shift_KB2=shift_KB2, size=size, border=border)

    return at
