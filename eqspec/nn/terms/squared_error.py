"""Squared errors between tensors, and between predicted and true pixels of masked patches.

Legend: V views, B samples, N patches, M kept patches, P values of a patch, K images of a path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

PATCH_VARIANCE_EPS = 1e-6
"""Added to the variance of a patch when its pixels are normalised (arXiv:2111.06377)."""


def mse(x: Tensor, y: Tensor) -> Tensor:
    """Return the mean squared difference of two tensors of the same shape."""
    return (at_least_fp32(x) - at_least_fp32(y)).square().mean()


def patchify(images_VBCHW: Tensor, *, grid: tuple[int, int]) -> Tensor:
    """Split images `[V, B, C, H, W]` into patches `[V, B, N, P]`, ordered row, column, channel.

    Args:
        images_VBCHW: images whose sides are multiples of the grid's.
        grid: (rows, columns) of patches; N = rows · columns.

    Returns:
        Patches in row-major order, P = patch height · patch width · C.
    """
    views, batch, channels, height, width = images_VBCHW.shape
    rows, columns = grid
    tall, wide = height // rows, width // columns
    cells = images_VBCHW.reshape(views, batch, channels, rows, tall, columns, wide)
    ordered = cells.permute(0, 1, 3, 5, 4, 6, 2)
    return ordered.reshape(views, batch, rows * columns, tall * wide * channels)


def masked_patch_mse(
    prediction_VBNP: Tensor, target_VBNP: Tensor, *, keep_VBM: Tensor, norm_pix: bool
) -> Tensor:
    """Return the mean squared error over the patches that were not kept.

    Args:
        prediction_VBNP: predicted pixels of all patches `[V, B, N, P]`.
        target_VBNP: true pixels `[V, B, N, P]`.
        keep_VBM: distinct ids of the encoded patches `[V, B, M]`.
        norm_pix: whether each true patch is normalised to mean 0 and (unbiased) variance 1.

    Returns:
        A scalar, at least float32.
    """
    prediction_VBNP, target_VBNP = at_least_fp32(prediction_VBNP), at_least_fp32(target_VBNP)
    if norm_pix:
        spread, middle = torch.var_mean(target_VBNP, dim=-1, unbiased=True, keepdim=True)
        target_VBNP = (target_VBNP - middle) / (spread + PATCH_VARIANCE_EPS).sqrt()
    error_VBN = (prediction_VBNP - target_VBNP).square().mean(dim=-1)
    hidden_VBN = torch.ones_like(error_VBN).scatter(-1, keep_VBM, 0.0)
    count = error_VBN.shape[-1] - keep_VBM.shape[-1]
    return ((error_VBN * hidden_VBN).sum(dim=-1) / count).mean()


class MeanSquaredError(nn.Module):
    """`mse` times a constant that sets the unit of the error."""

    def __init__(self, *, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the term for two tensors of the same shape."""
        return self.scale * mse(x, y)


class MaskedPatchMSE(nn.Module):
    """`masked_patch_mse` against the pixels of the encoded images."""

    def __init__(self, *, grid: tuple[int, int], norm_pix: bool) -> None:
        super().__init__()
        self.grid = grid
        self.norm_pix = norm_pix

    def forward(self, prediction: Tensor, images: Tensor, keep: Tensor) -> Tensor:
        """Return the term for `[V, B, N, P]` predictions, `[V, B, C, H, W]` images, kept ids."""
        target = patchify(images, grid=self.grid)
        return masked_patch_mse(prediction, target, keep_VBM=keep, norm_pix=self.norm_pix)
