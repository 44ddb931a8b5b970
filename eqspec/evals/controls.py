"""Controls: what can be read from images without any encoder, measured like an encoder.

`block-grid`: JPEG stores an image in blocks of 8×8 pixels, whose borders turn and move with it.
An R² of a transformation may be read from them instead of from what the image shows, so small JPEG
sets are judged beside a row whose features are the energy of that grid and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from eqspec.build.data.loader import Dataset
from eqspec.evals.features import Subject
from eqspec.evals.pairs import canvas_side

BLOCK = 8
"""Pixels of a JPEG block's side, as stored."""

LOOKED_AT = 32
"""Images by whose size the grid's period in the encoder's images is known."""

STEP = 5.0
"""Degrees between the directions in which the grid is looked for."""


def block_grid(dataset: Dataset, *, size: int) -> Subject:
    """The control of a dataset's block grid, for images of a size.

    The period is that of a typical image: of a set of many sizes, one period finds little, and as
    little is there to be found, since its photographs are minified.
    """
    looked_at = (dataset.image(i) for i in range(min(LOOKED_AT, len(dataset))))
    short = float(np.median([min(image.shape[:2]) for image in looked_at]))
    period = BLOCK * canvas_side(size) / short
    return Subject(
        encoder=partial(grid_energy, period=period),
        prefix=0,
        size=size,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
    )


CONTROLS: MappingProxyType[str, Callable[..., Subject]] = MappingProxyType(
    {"block-grid": block_grid}
)
"""Name of a control, as cards write it → (dataset, size) to its subject."""


def grid_energy(images: Tensor, *, period: float) -> Tensor:
    """How strongly a grid of a period shows, in every direction, `[B, 1, F]`.

    What remains of the brightness when each pixel's neighbours are taken from it, in absolute value
    and without its own slow part, is compared with waves of the grid's period and of half of it.
    From −45° to 45°, because a square grid turned by 90° is the same. Upright, also where it lies.

    Args:
        images: `[B, 3, s, s]` in [0, 1].
        period: of the grid in pixels.
    """
    grey_B1HW = images.mean(dim=1, keepdim=True)
    kernel = grey_B1HW.new_tensor([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])[None, None] / 4
    steps = F.conv2d(F.pad(grey_B1HW, (1, 1, 1, 1), mode="reflect"), kernel).abs()
    radius = max(1, round(period))
    padded = F.pad(steps, (radius,) * 4, mode="reflect")
    steps = steps - F.avg_pool2d(padded, 2 * radius + 1, stride=1)
    x_BP = (steps / (steps.square().mean(dim=(2, 3), keepdim=True).sqrt() + 1e-6)).flatten(1)
    found = [_seen(x_BP, size=images.shape[-1], frequency=f) for f in _frequencies(period)]
    return torch.cat(found, dim=1)[:, None]


def _frequencies(period: float) -> tuple[float, ...]:
    """Of the grid and its half, in cycles per pixel, as far as pixels can show them."""
    return tuple(min(n / period, 0.5) for n in (1, 2))


def _seen(x_BP: Tensor, *, size: int, frequency: float) -> Tensor:
    """What a frequency has in every direction: its energy, and upright also its phases."""
    angles = torch.arange(-45.0, 45.0 + STEP, STEP, dtype=torch.float64).deg2rad()
    axis = torch.arange(size, dtype=torch.float64) - (size - 1) / 2
    y, x = (plane.flatten()[:, None] for plane in torch.meshgrid(axis, axis, indexing="ij"))
    found: list[Tensor] = []
    for across, down in ((angles.cos(), angles.sin()), (-angles.sin(), angles.cos())):
        phase_PA = 2 * math.pi * frequency * (x * across + y * down)
        parts = (phase_PA.cos().to(x_BP), phase_PA.sin().to(x_BP))
        real_BA, imaginary_BA = ((x_BP @ part) / x_BP.shape[1] for part in parts)
        upright = len(angles) // 2
        found += [
            (real_BA.square() + imaginary_BA.square()).sqrt(),
            real_BA[:, upright, None],
            imaginary_BA[:, upright, None],
        ]
    return torch.cat(found, dim=1)
