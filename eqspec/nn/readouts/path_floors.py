"""Squared errors of predicted images, and images at a lower resolution. K path points, B images."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def squared_errors(predicted_KBCHW: Tensor, targets_KBCHW: Tensor) -> Tensor:
    """Return the mean squared error of each point, `[K]`."""
    return (predicted_KBCHW - targets_KBCHW).square().mean(dim=(1, 2, 3, 4))


def coarse(images_KBCHW: Tensor, *, side: int) -> Tensor:
    """Return images reduced to `side` × `side` by averages, and enlarged again (bilinear)."""
    size = images_KBCHW.shape[-1]
    if side == size:
        return images_KBCHW
    flat = images_KBCHW.flatten(0, 1)
    small = functional.adaptive_avg_pool2d(flat, side)
    large = functional.interpolate(small, size=(size, size), mode="bilinear", align_corners=False)
    return large.unflatten(0, images_KBCHW.shape[:2])
