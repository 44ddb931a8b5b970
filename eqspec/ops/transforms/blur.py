"""Gaussian blur, which is the identity below a tenth of a pixel.

Equivariance-coherent SSL (arXiv:2503.18753), table of considered transformations: σ up to 2 pixels
at 224 px, scaled with the image. PIL's `GaussianBlur`, used by iBOT, is only an approximation.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import AfterValidator, Field

from eqspec.errors import UsageError
from eqspec.nn.random.ranges import ordered, per_largest, scaled
from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.nn.pixels.path import At, Border

rev = 1
path = True
kind = "photometry"
names = ("sigma",)
identity = (0.0,)
action_dim = 2
faintest = (0.3,)  # σ in pixels at which a neighbour has weight 1/250, about one level of 8 bits

_Width = Annotated[float, Field(ge=0)]


class Params(OpParams):
    """Range of widths.

    Attributes:
        sigma: lowest and highest σ of the Gaussian in pixels.
        at: image size to which `sigma` refers.
        radius: radius of the kernel in pixels, independent of the image size (4 for 9 taps); None:
            three times the largest σ.
    """

    sigma: Annotated[tuple[_Width, _Width], AfterValidator(ordered)] = (0.0, 0.0)
    at: int = Field(default=224, gt=0)
    radius: int | None = Field(default=None, gt=0)


example = MappingProxyType({"sigma": (0.1, 2.0), "at": 32})


def ranges(params: Params, *, size: int) -> tuple[tuple[float, float], ...]:
    """Ranges in pixels of an image of side `size`."""
    return (scaled(params.sigma, size / params.at),)


def encode(params: Params, theta: NDArray[np.float64], *, size: int) -> NDArray[np.float64]:
    """(1, σ) of widths `[n, 1]`, scaled to [0, 1], `[n, 2]`."""
    ((low, high),) = ranges(params, size=size)
    return np.concatenate((np.ones_like(theta), theta * per_largest((low, high))), axis=1)


def reach(params: Params, *, size: int) -> float:  # noqa: ARG001 - the contract of transforms
    """Zero: pixels beyond the frame are mirrored ones."""
    return 0.0


def build(params: Params, *, size: int, border: Border) -> At:  # noqa: ARG001 - as above
    """Return the blur of the frame; see `eqspec.nn.pixels.blur`.

    Raises:
        UsageError: when the kernel is larger than the image.
    """
    from eqspec.nn.pixels.blur import gaussian_blur, radius_of
    from eqspec.nn.pixels.path import points, window

    ((_, widest),) = ranges(params, size=size)
    radius = radius_of(widest) if params.radius is None else params.radius
    if radius >= size:
        raise UsageError(
            f"a blur of σ = {widest:g} reaches {radius} pixels, but the image has {size}",
            help="lower `sigma` or `radius`, or set `at` to the image size to which they refer",
        )

    def at(canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:
        sigma_KB = points(theta, fractions, like=canvas)[..., 0]
        return gaussian_blur(window(canvas, size=size), sigma_KB=sigma_KB, radius=radius)

    return at
