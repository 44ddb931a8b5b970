"""What all transform paths share: points between the identity and θ, and the frame of a canvas.

Legend: K path points, B samples, P parameters, H W canvas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import torch

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Border = Literal["reflect", "zeros", "canvas"]
"""What a frame that looks outside itself sees: itself mirrored, black, or the canvas's margin."""


class At(Protocol):
    """A transform, ready to be applied to a batch at any points of its paths."""

    def __call__(self, canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:
        """The images at `fraction · θ`, each made from the canvas by one application.

        Args:
            canvas: `[B, 3, H, W]`, floating point in [0, 1], with the frame in its middle.
            theta: `[B, P]`, in the units of the op's `ranges`.
            fractions: one per path point; 0 is the identity, 1 the whole transform.

        Returns:
            `[K, B, 3, size, size]`, at least float32.
        """
        ...


def points(theta: Tensor, fractions: Sequence[float], *, like: Tensor) -> Tensor:
    """Parameters `[K, B, P]` of the path points of `theta` `[B, P]`: linear from the identity.

    Computed in the dtype of `like` but at least float32, so that halving a fraction and doubling
    θ gives the same bits.
    """
    theta = theta.to(at_least_fp32(like).dtype)
    return torch.stack([theta * fraction for fraction in fractions])


def window(canvas: Tensor, *, size: int) -> Tensor:
    """The frame: the `size` × `size` middle of a canvas `[B, 3, H, W]`, at least float32."""
    high, wide = canvas.shape[-2:]
    assert canvas.is_floating_point(), "a canvas holds floating point pixels in [0, 1]"
    assert high >= size <= wide, f"a canvas of {high} x {wide} is smaller than its frame of {size}"
    assert (high - size) % 2 == (wide - size) % 2 == 0, "a frame is centred to the pixel"
    top, left = (high - size) // 2, (wide - size) // 2
    return at_least_fp32(canvas[..., top : top + size, left : left + size])
