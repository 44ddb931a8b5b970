"""Rotation, shift, colour jitter and blur, drawn independently and applied together.

The four families of equivariance-coherent SSL (arXiv:2503.18753), as used by SIE(all). Geometry is
one resampling, as in `se2`; then colour, then blur. The points of a path scale all parameters
linearly.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import AfterValidator, Field

from eqspec.errors import UsageError
from eqspec.nn.pixels.canvas import rigid_reach
from eqspec.nn.random.ranges import Range, largest, ordered, per_largest, scaled
from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.nn.pixels.path import At, Border

rev = 1
path = True
kind = "geometry"
names = ("angle", "brightness", "contrast", "saturation", "hue", "sigma", "tx", "ty")
identity = (0.0,) * len(names)
action_dim = 12
faintest = (0.0, 0.0, 0.0, 0.0, 0.0, 0.3, 0.0, 0.0)  # of a blur alone, as in `blur`

_Delta = Annotated[float, Field(ge=-1)]
_Turn = Annotated[float, Field(ge=-0.5, le=0.5)]
_Width = Annotated[float, Field(ge=0)]
_Factors = Annotated[tuple[_Delta, _Delta], AfterValidator(ordered)]


class Params(OpParams):
    """Ranges of each family, in its own units.

    Attributes:
        degrees: lowest and highest angle, positive is counter-clockwise.
        brightness: lowest and highest δ of the factor 1 + δ.
        contrast: the same, about the mean grey of the image.
        saturation: the same, about the grey of each pixel.
        hue: lowest and highest rotation in turns.
        sigma: lowest and highest σ of the Gaussian in pixels.
        pixels: lowest and highest shift, the same for both axes; positive is right and down.
        at: image size to which `sigma` and `pixels` refer.
    """

    degrees: Range = (0.0, 0.0)
    brightness: _Factors = (0.0, 0.0)
    contrast: _Factors = (0.0, 0.0)
    saturation: _Factors = (0.0, 0.0)
    hue: Annotated[tuple[_Turn, _Turn], AfterValidator(ordered)] = (0.0, 0.0)
    sigma: Annotated[tuple[_Width, _Width], AfterValidator(ordered)] = (0.0, 0.0)
    pixels: Range = (0.0, 0.0)
    at: int = Field(default=224, gt=0)


example = MappingProxyType(
    {
        "degrees": (-45.0, 45.0),
        "brightness": (-0.4, 0.4),
        "contrast": (-0.4, 0.4),
        "saturation": (-0.4, 0.4),
        "hue": (-0.1, 0.1),
        "sigma": (0.1, 2.0),
        "pixels": (-10.0, 10.0),
        "at": 64,
    }
)


def ranges(params: Params, *, size: int) -> tuple[tuple[float, float], ...]:
    """Ranges in degrees, changes of factors, turns, and pixels of an image of side `size`."""
    sigma, pixels = (scaled(r, size / params.at) for r in (params.sigma, params.pixels))
    color = (params.brightness, params.contrast, params.saturation, params.hue)
    return (params.degrees, *color, sigma, pixels, pixels)


def encode(params: Params, theta: NDArray[np.float64], *, size: int) -> NDArray[np.float64]:
    """Concatenated encodings of rot, color, blur and trans of theta `[n, 8]`, `[n, 12]`."""
    unit = theta * [per_largest(bounds) for bounds in ranges(params, size=size)]
    angle, one = np.deg2rad(theta[:, :1]), np.ones((len(theta), 1))
    color, sigma, shift = unit[:, 1:5], unit[:, 5:6], unit[:, 6:]
    rot = (np.cos(angle), np.sin(angle))
    return np.concatenate((*rot, one, color, one, sigma, one, shift), axis=1)


def reach(params: Params, *, size: int) -> float:
    """Pixels by which the corners of a rotated and shifted frame leave it."""
    degrees, *_, pixels = ranges(params, size=size)
    return rigid_reach(degrees=largest(degrees), pixels=largest(pixels), size=size)


def build(params: Params, *, size: int, border: Border) -> At:
    """Return the warp followed by the operations on the frame.

    Raises:
        UsageError: when the kernel of the blur is larger than the image.
    """
    from eqspec.nn.pixels.blur import gaussian_blur, radius_of
    from eqspec.nn.pixels.color import jitter
    from eqspec.nn.pixels.path import points
    from eqspec.nn.pixels.warp import rigid

    _, widest = ranges(params, size=size)[5]
    radius = radius_of(widest)
    if radius >= size:
        raise UsageError(
            f"a blur of σ = {widest:g} reaches {radius} pixels, but the image has {size}",
            help="lower `sigma`, or set `at` to the image size to which it refers",
        )

    def at(canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:
        theta_KBP = points(theta, fractions, like=canvas)
        warped = rigid(
            canvas,
            degrees_KB=theta_KBP[..., 0],
            shift_KB2=theta_KBP[..., 6:],
            size=size,
            border=border,
        )
        colored = jitter(warped, theta_KBP[..., 1:5])
        lead = colored.shape[:2]
        sigma_KB = theta_KBP[..., 5].flatten().unsqueeze(0)  # one width for each image of the path
        blurred = gaussian_blur(colored.flatten(0, 1), sigma_KB=sigma_KB, radius=radius)
        return blurred[0].unflatten(0, lead)

    return at
