"""Shared parts of all transform paths: points from the identity to θ, and the frame of a canvas.

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
"""Pixels beyond the frame: the mirrored frame, black, or the surrounding canvas."""


class At(Protocol):
    """Transform of a batch of images to any points of their paths."""

    def __call__(self, canvas: Tensor, theta: Tensor, *, fractions: Sequence[float]) -> Tensor:
        """Return the images at `fraction · θ`, each computed directly from the canvas.

        Args:
            canvas: `[B, 3, H, W]`, floating point in [0, 1], with the frame in its middle.
            theta: parameters `[B, P]` in the units of the op's `ranges`.
            fractions: one per path point; 0 is the identity, 1 the whole transform.

        Returns:
            `[K, B, 3, size, size]`, at least float32.
        """
        ...


def points(theta: Tensor, fractions: Sequence[float], *, like: Tensor) -> Tensor:
    """Return the parameters `[K, B, P]` of the path points of `theta` `[B, P]`.

    The path is linear from the identity. Computed in the dtype of `like`, but at least float32, so
    that halving a fraction and doubling θ gives the same bits.
    """
    theta = theta.to(at_least_fp32(like).dtype)
    return torch.stack([theta * fraction for fraction in fractions])


def window(canvas: Tensor, *, size: int) -> Tensor:
    """Return the frame, the `size` × `size` middle of a canvas `[B, 3, H, W]`, at least float32."""
    high, wide = canvas.shape[-2:]
    assert canvas.is_floating_point(), "a canvas has floating-point pixels in [0, 1]"
    assert high >= size <= wide, f"a canvas of {high} x {wide} is smaller than its frame of {size}"
    assert (high - size) % 2 == (wide - size) % 2 == 0, "the frame must be centred to the pixel"
    top, left = (high - size) // 2, (wide - size) // 2
    return at_least_fp32(canvas[..., top : top + size, left : left + size])


def keep_unchanged(image: Tensor, changed: Tensor, *, unchanged: Tensor) -> Tensor:
    """Return `changed` `[..., 3, H, W]`, and the image itself where a transform is the identity.

    Args:
        image: before the transform, broadcast to `changed`.
        changed: after it, with rounding errors.
        unchanged: `[...]`, whether the transform is the identity.
    """
    eager_on_cpu = unchanged.device.type == "cpu" and not torch.compiler.is_compiling()
    if eager_on_cpu and not unchanged.any():
        return changed  # without a pass over all pixels; on a GPU, asking would wait for it
    return torch.where(unchanged[..., None, None, None], image, changed)
