"""Photometric operations on float images in [0, 1], with separate parameters for each image.

Same semantics as torchvision's float operations (which follow PIL), so every operation ends in a
clamp to [0, 1]. A delta of exactly 0 returns the image bit for bit. `...` denotes any leading axes,
the same for images and deltas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

_LUMA = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue in ITU-R BT.601 luma, rounded as in PIL and torchvision."""


def jitter(image: Tensor, delta: Tensor) -> Tensor:
    """Change brightness, contrast, saturation and hue, in this fixed order.

    A random order could not be recovered from the images.

    Args:
        image: `[..., 3, H, W]`.
        delta: `[..., 4]`, changes of the three factors, then the rotation of the hue in turns.

    Returns:
        `[..., 3, H, W]`.
    """
    for change, amount in zip(
        (brightness, contrast, saturation, hue), delta.unbind(-1), strict=True
    ):
        image = change(image, amount)
    return image


def brightness(image: Tensor, delta: Tensor) -> Tensor:
    """Multiply `image` `[..., 3, H, W]` by 1 + `delta` `[...]`."""
    return (image * (1 + delta[..., None, None, None])).clamp_(0, 1)


def contrast(image: Tensor, delta: Tensor) -> Tensor:
    """Scale `image` `[..., 3, H, W]` by 1 + `delta` `[...]` about its mean grey."""
    return _blend(image, luma(image).mean(dim=(-3, -2, -1), keepdim=True), delta)


def saturation(image: Tensor, delta: Tensor) -> Tensor:
    """Scale `image` `[..., 3, H, W]` by 1 + `delta` `[...]` about the grey of each pixel."""
    return _blend(image, luma(image), delta)


def hue(image: Tensor, delta: Tensor) -> Tensor:
    """Rotate all hues of `image` `[..., 3, H, W]` by `delta` `[...]` turns."""
    red, green, blue = image.unbind(-3)
    top = image.amax(-3)
    chroma = top - image.amin(-3)
    divisor = chroma.clamp(min=torch.finfo(chroma.dtype).tiny)  # greys have no hue
    sextant = torch.where(
        top == red,
        (green - blue) / divisor,
        torch.where(top == green, (blue - red) / divisor + 2, (red - green) / divisor + 4),
    )
    turned = sextant + 6 * delta[..., None, None]
    # A channel is the maximum for two sextants, falls by the chroma over one, then rises again.
    fallen = torch.stack([turned + start for start in (5, 3, 1)], dim=-3)
    fallen.remainder_(6).sub_(2).abs_().neg_().add_(2).clamp_(0, 1)
    result = fallen.mul_(-chroma.unsqueeze(-3)).add_(top.unsqueeze(-3)).clamp_(0, 1)
    return torch.where(delta[..., None, None, None] == 0, image, result)


def luma(image: Tensor) -> Tensor:
    """Return the grey `[..., 1, H, W]` of an image `[..., 3, H, W]`."""
    red, green, blue = image.unbind(-3)
    return (_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue).unsqueeze(-3)


def solarise(image: Tensor, *, threshold: float) -> Tensor:
    """Invert every value of `image` at or above the threshold."""
    return torch.where(image >= threshold, 1 - image, image)


def _blend(image: Tensor, other: Tensor, delta: Tensor) -> Tensor:
    """Scale `image` by 1 + `delta` about `other`; `lerp` is exact at weight 1."""
    return torch.lerp(other, image, 1 + delta[..., None, None, None]).clamp_(0, 1)
