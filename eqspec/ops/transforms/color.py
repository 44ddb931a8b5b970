"""Colour jitter: brightness, contrast, saturation and hue, always in this order.

Equivariance-coherent SSL (arXiv:2503.18753), table of considered transformations; operations as in
torchvision. Factors are 1 + fraction · δ; pixels are clamped to [0, 1] after each operation.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import AfterValidator, Field

from eqspec.nn.random.ranges import ordered, per_largest
from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.nn.pixels.path import At, Border

rev = 1
path = True
kind = "photometry"
names = ("brightness", "contrast", "saturation", "hue")
identity = (0.0, 0.0, 0.0, 0.0)
action_dim = 5

_Delta = Annotated[float, Field(ge=-1)]
_Turn = Annotated[float, Field(ge=-0.5, le=0.5)]
_Factors = Annotated[tuple[_Delta, _Delta], AfterValidator(ordered)]
_Turns = Annotated[tuple[_Turn, _Turn], AfterValidator(ordered)]


class Params(OpParams):
    """Ranges of the changes.

    Attributes:
        brightness: lowest and highest δ of the factor 1 + δ.
        contrast: the same, about the mean grey of the image.
        saturation: the same, about the grey of each pixel.
        hue: lowest and highest rotation in turns.
    """

    brightness: _Factors = (0.0, 0.0)
    contrast: _Factors = (0.0, 0.0)
    saturation: _Factors = (0.0, 0.0)
    hue: _Turns = (0.0, 0.0)


example = MappingProxyType(
    {
        "brightness": (-0.4, 0.4),
        "contrast": (-0.4, 0.4),
        "saturation": (-0.4, 0.4),
        "hue": (-0.1, 0.1),
    }
)


def ranges(params: Params, *, size: int) -> tuple[tuple[float, float], ...]:  # noqa: ARG001 - the contract of transforms
    """Ranges of the changes of factors, and of the hue in turns."""
    return params.brightness, params.contrast, params.saturation, params.hue


def encode(params: Params, theta: NDArray[np.float64], *, size: int) -> NDArray[np.float64]:
    """(1, b, c, s, h) of deltas `[n, 4]`, each scaled to [−1, 1], `[n, 5]`."""
    deltas = theta * [per_largest(bounds) for bounds in ranges(params, size=size)]
    return np.concatenate((np.ones((len(theta), 1)), deltas), axis=1)


def reach(params: Params, *, size: int) -> float:  # noqa: ARG001 - as above
    """Zero: only the frame is read."""
    return 0.0


def build(params: Params, *, size: int, border: Border) -> At:  # noqa: ARG001 - as above
    """Return the operations on the frame; see `eqspec.nn.pixels.color`."""
    from eqspec.nn.pixels.color import jitter
    from eqspec.nn.pixels.path import points, window

    def at(canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:
        delta_KB4 = points(theta, fractions, like=canvas)
        frame = window(canvas, size=size)
        return jitter(frame.expand(len(fractions), *frame.shape), delta_KB4)

    return at
