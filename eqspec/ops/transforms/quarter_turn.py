"""Rotation by a multiple of 90 degrees, counter-clockwise, without resampling.

The four-fold rotations of Equivariant Contrastive Learning (arXiv:2111.00899), section 3.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import Field

from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from eqspec.nn.pixels.path import At, Border

rev = 1
path = False
kind = "geometry"
names = ()
identity = ()


class Params(OpParams):
    """Angle.

    Attributes:
        turns: number of quarter turns, counter-clockwise.
    """

    turns: int = Field(default=0, ge=0, le=3)


example = MappingProxyType({"turns": 1})


def ranges(params: Params, *, size: int) -> tuple[tuple[float, float], ...]:  # noqa: ARG001 - the contract of transforms
    """No parameters are drawn."""
    return ()


def build(params: Params, *, size: int, border: Border) -> At:  # noqa: ARG001 - as above
    """Return the rotated frame."""
    from eqspec.nn.pixels.path import window

    def at(canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:  # noqa: ARG001 - as above
        frame = window(canvas, size=size).rot90(params.turns, dims=(-2, -1))
        return frame.expand(len(fractions), *frame.shape)

    return at
