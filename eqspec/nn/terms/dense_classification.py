"""Classification of pixels by cross-entropy. Legend: B samples, N patches, C classes, H W mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

IGNORED = -1
"""Class of pixels that do not count."""


class DenseClassification(nn.Module):
    """The mean over samples of the mean over labelled pixels; a sample without any counts 0.

    A mean of samples, so each rank scores its own.

    Args:
        grid: rows and columns of the patches.
    """

    def __init__(self, *, grid: tuple[int, int]) -> None:
        super().__init__()
        self._grid = grid

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """The term, a scalar of at least float32.

        Args:
            x: logits `[B, N, C]`.
            mask: classes `[B, H, W]`, int64, or `IGNORED`.
        """
        logits_BCHW = enlarged(x, grid=self._grid, size=(mask.shape[1], mask.shape[2]))
        losses = functional.cross_entropy(logits_BCHW, mask, ignore_index=IGNORED, reduction="none")
        labelled = (mask != IGNORED).sum(dim=(1, 2)).clamp_min(1)
        return (losses.sum(dim=(1, 2)) / labelled).mean()


def enlarged(x: Tensor, *, grid: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Logits of patches `[B, N, C]` for pixels, `[B, C, H, W]`, bilinear, at least float32."""
    maps = at_least_fp32(x).transpose(1, 2).unflatten(2, grid)
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)
