"""Photometric operations on float images in [0, 1], with separate parameters for each image.

Same semantics as torchvision's float operations (which follow PIL), so every operation ends in a
clamp to [0, 1]. A delta of exactly 0 returns the image bit for bit. `...` denotes any leading axes,
the same for images and deltas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from eqspec.nn.pixels.path import keep_unchanged

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
    top = torch.maximum(torch.maximum(red, green), blue)
    chroma = top - torch.minimum(torch.minimum(red, green), blue)
    divisor = chroma.clamp(min=torch.finfo(chroma.dtype).tiny)  # greys have no hue
    sextant = (red - green).div_(divisor).add_(4)
    sextant = _replaced((blue - red).div_(divisor).add_(2), sextant, where=(top - green).sign_())
    sextant = _replaced((green - blue).div_(divisor), sextant, where=(top - red).sign_())
    turned = sextant.add_(6 * delta[..., None, None])
    # A channel is the maximum for two sextants, falls by the chroma over one, then rises again.
    channels: list[Tensor] = []
    for start in (5, 3, 1):
        fallen = turned + start
        fallen.sub_((fallen / 6).floor_().mul_(6))  # modulo 6, ten times faster than remainder_
        fallen.sub_(2).abs_().neg_().add_(2).clamp_(0, 1)
        channels.append(fallen.mul_(-chroma).add_(top).clamp_(0, 1))
    result = torch.stack(channels, dim=-3)
    return keep_unchanged(image, result, unchanged=delta == 0)


def luma(image: Tensor) -> Tensor:
    """Return the grey `[..., 1, H, W]` of an image `[..., 3, H, W]`."""
    red, green, blue = image.unbind(-3)
    return (_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue).unsqueeze(-3)


def solarise(image: Tensor, *, threshold: float) -> Tensor:
    """Invert every value of `image` at or above the threshold."""
    return _replaced(1 - image, image, where=(threshold - image).sign_().clamp_(min=0))


def _blend(image: Tensor, other: Tensor, delta: Tensor) -> Tensor:
    """Scale `image` by 1 + `delta` about `other`; `lerp` is exact at weight 1."""
    return torch.lerp(other, image, 1 + delta[..., None, None, None]).clamp_(0, 1)


def _replaced(values: Tensor, others: Tensor, *, where: Tensor) -> Tensor:
    """Return `values`, or `others` where `where` is 1.0 instead of 0.0.

    By `lerp`, which is exact at the weights 0 and 1 and on a CPU ten times faster than `where`.
    """
    return torch.lerp(values, others, where)
