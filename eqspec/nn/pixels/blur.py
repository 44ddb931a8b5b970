"""Gaussian blur with a separate width for each image: two passes of a sampled Gaussian.

Legend: K path points, B samples, C channels, H W image.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from eqspec.nn.pixels.path import keep_unchanged

if TYPE_CHECKING:
    from torch import Tensor

SHARP = 0.1
"""Below this σ in pixels a blur is exactly the identity: the kernel is a single pixel."""


def radius_of(sigma: float) -> int:
    """Return the radius of the kernel in pixels for the largest σ: three σ (6 at σ = 2)."""
    return math.ceil(3 * sigma)


def gaussian_blur(image_BCHW: Tensor, *, sigma_KB: Tensor, radius: int) -> Tensor:
    """Blur images, mirroring them at their outermost pixels.

    Implemented as a sum over taps instead of a convolution, because each image has its own kernel
    and the weights must be affected by neither autocast nor TF32.

    Args:
        image_BCHW: float32 or float64, `radius` smaller than H and W.
        sigma_KB: widths in pixels, of the image's dtype.
        radius: the kernel has 2·`radius` + 1 taps.

    Returns:
        `[K, B, C, H, W]`.
    """
    high, wide = image_BCHW.shape[-2:]
    distance = torch.arange(radius + 1, dtype=sigma_KB.dtype, device=sigma_KB.device)
    weight = torch.exp(-0.5 * (distance / sigma_KB.clamp(min=SHARP)[..., None]).square())
    weight = weight / (2 * weight.sum(-1, keepdim=True) - weight[..., :1])
    taps = weight[..., None, None, None].unbind(2)
    padded = F.pad(image_BCHW, (radius, radius, radius, radius), mode="reflect")
    rows = _smooth(padded.unsqueeze(0), taps, dim=-1, length=wide)
    blurred = _smooth(rows, taps, dim=-2, length=high)
    return keep_unchanged(image_BCHW, blurred, unchanged=sigma_KB < SHARP)


def _smooth(padded: Tensor, taps: tuple[Tensor, ...], *, dim: int, length: int) -> Tensor:
    """Smooth along `dim`, adding taps from the centre outwards, and remove the padding."""
    radius = len(taps) - 1
    total = padded.narrow(dim, radius, length) * taps[0]
    pair = torch.empty_like(padded.narrow(dim, radius, length))
    for step in range(1, radius + 1):
        before = padded.narrow(dim, radius - step, length)
        after = padded.narrow(dim, radius + step, length)
        total = total.addcmul_(torch.add(before, after, out=pair), taps[step])
    return total
