"""Solarisation, which inverts values at or above a threshold.

BYOL (arXiv:2006.07733), appendix B; the default threshold is that of PIL, 128 of 255.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from eqspec.nn.pixels.path import At, Border

rev = 1
path = False
kind = "photometry"
names = ()
identity = ()


class Params(OpParams):
    """Threshold.

    Attributes:
        threshold: value in [0, 1] from which pixels are inverted.
    """

    threshold: float = Field(default=128 / 255, ge=0, le=1)


def ranges(params: Params, *, size: int) -> tuple[tuple[float, float], ...]:  # noqa: ARG001 - the contract of transforms
    """No parameters are drawn."""
    return ()


def build(params: Params, *, size: int, border: Border) -> At:  # noqa: ARG001 - as above
    """Return the solarised frame; see `eqspec.nn.pixels.color`."""
    from eqspec.nn.pixels.color import solarise
    from eqspec.nn.pixels.path import window

    def at(canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:  # noqa: ARG001 - as above
        frame = window(canvas, size=size)
        return solarise(frame, threshold=params.threshold).expand(len(fractions), *frame.shape)

    return at
