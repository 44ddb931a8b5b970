"""Position embeddings of patch tokens: fixed sine-cosine codes, and resampling to another grid.

Legend: N patch tokens in rows, left to right; P prefix tokens; D features.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn import functional

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

First = Literal["x", "row"]
"""Coordinate encoded in the first half of the features: the column in MAE, the row in MoCo v3."""

Interpolation = Literal["timm", "dino"]
"""Resampling to another grid: timm antialiases; DINO does not, and adds 0.1 to the size."""


def sincos_positions(
    grid: tuple[int, int], *, width: int, prefix: int, first: First, device: str | None = None
) -> Tensor:
    """Return fixed 2D sine-cosine codes `[1, P + N, D]` in float64, zero for the prefix.

    Each half of the features contains the sines, then the cosines, of one coordinate at wavelengths
    from 2π to 20000π (MAE, arXiv:2111.06377; MoCo v3, arXiv:2104.02057).

    Raises:
        ValueError: when the width is not a multiple of four.
    """
    if width % 4:
        raise ValueError(f"sine-cosine positions need a width that is a multiple of 4, not {width}")
    rows, columns = grid
    step = torch.arange(width // 4, dtype=torch.float64, device=device) / (width // 4)
    frequency_F = 10000.0**-step
    row_N = torch.arange(rows, dtype=torch.float64, device=device).repeat_interleave(columns)
    column_N = torch.arange(columns, dtype=torch.float64, device=device).repeat(rows)
    order = (column_N, row_N) if first == "x" else (row_N, column_N)
    angles = [coordinate_N[:, None] * frequency_F for coordinate_N in order]
    codes_ND = torch.cat(
        [wave(angle) for angle in angles for wave in (torch.sin, torch.cos)], dim=1
    )
    return functional.pad(codes_ND, (0, 0, prefix, 0))[None]


def square_grid(codes: Tensor, *, prefix: int) -> tuple[int, int] | None:
    """Return the square grid of codes `[1, N, D]` or `[1, P + N, D]`, or None if there is none.

    Only the squares 0 and 1 differ by one, so the shape shows whether there is a class token.

    Args:
        prefix: P, 0 or 1.
    """
    if codes.ndim != 3:
        return None
    counts = (codes.shape[1] - prefix, codes.shape[1])
    sides = (math.isqrt(count) for count in counts if count > 0 and math.isqrt(count) ** 2 == count)
    side = next(sides, None)
    return None if side is None else (side, side)


def resample_positions(
    codes: Tensor, *, native: tuple[int, int], grid: tuple[int, int], how: Interpolation
) -> Tensor:
    """Resample codes `[1, P + N, D]` of the native grid bicubically to another grid."""
    if grid == native:
        return codes
    prefix = codes.shape[1] - native[0] * native[1]
    image_DHW = at_least_fp32(codes[:, prefix:]).unflatten(1, native).permute(0, 3, 1, 2)
    resample = bicubic_by_matrix if codes.device.type == "cuda" else bicubic
    resampled = resample(image_DHW, native=native, grid=grid, how=how)
    return torch.cat([codes[:, :prefix], resampled.flatten(2).mT.to(codes.dtype)], dim=1)


def bicubic(
    image: Tensor, *, native: tuple[int, int], grid: tuple[int, int], how: Interpolation
) -> Tensor:
    """Resample images `[..., H, W]`, four-dimensional, to `[..., h, w]`."""
    if how == "timm":
        return functional.interpolate(image, size=grid, mode="bicubic", antialias=True)
    scale = ((grid[0] + 0.1) / native[0], (grid[1] + 0.1) / native[1])
    return functional.interpolate(image, scale_factor=scale, mode="bicubic")


def bicubic_by_matrix(
    image: Tensor, *, native: tuple[int, int], grid: tuple[int, int], how: Interpolation
) -> Tensor:
    """Resample by a matrix product: bicubic interpolation has no deterministic backward on CUDA."""
    cells = torch.eye(native[0] * native[1], dtype=image.dtype, device=image.device)
    with torch.no_grad():
        weights = bicubic(cells.unflatten(1, native)[:, None], native=native, grid=grid, how=how)
    with torch.autocast(image.device.type, enabled=False):
        return (image.flatten(2) @ weights.flatten(1)).unflatten(2, weights.shape[-2:])
