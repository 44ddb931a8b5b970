"""Horizontal flip; the share of flipped images is the probability of the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eqspec.ops.op import NoParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.nn.pixels.path import At, Border

rev = 1
path = False
kind = "geometry"
names = ()
identity = ()

Params = NoParams


def ranges(params: NoParams, *, size: int) -> tuple[tuple[float, float], ...]:  # noqa: ARG001 - the contract of transforms
    """No parameters are drawn."""
    return ()


def homographies(
    params: NoParams,  # noqa: ARG001 - as above
    theta: NDArray[np.float64],
    *,
    size: int,
) -> NDArray[np.float64]:
    """Return the reflection about the middle column."""
    return np.tile([[-1.0, 0, size], [0, 1, 0], [0, 0, 1]], (len(theta), 1, 1))


def build(params: NoParams, *, size: int, border: Border) -> At:  # noqa: ARG001 - as above
    """Return the mirrored frame."""
    from eqspec.nn.pixels.path import window

    def at(canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:  # noqa: ARG001 - as above
        frame = window(canvas, size=size).flip(-1)
        return frame.expand(len(fractions), *frame.shape)

    return at
