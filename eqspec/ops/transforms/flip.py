"""Horizontal flip; the share of flipped images is the probability of the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.ops.op import NoParams

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def build(params: NoParams, *, size: int, border: Border) -> At:  # noqa: ARG001 - as above
    """Return the mirrored frame."""
    from eqspec.nn.pixels.path import window

    def at(canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:  # noqa: ARG001 - as above
        frame = window(canvas, size=size).flip(-1)
        return frame.expand(len(fractions), *frame.shape)

    return at
