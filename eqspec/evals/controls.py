"""Controls: features computed from images without an encoder, evaluated like an encoder's.

`block-grid`: JPEG stores an image in blocks of 8×8 pixels, whose borders rotate and move with it.
A transformation may be predictable from these borders rather than from the content of the image.
Results on small JPEG datasets therefore include a row whose only features are this grid's energy.
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
"""Side of a JPEG block in stored pixels."""

SAMPLED = 32
"""Number of images from whose sizes the grid's period in the encoder's images is estimated."""

STEP = 5.0
"""Angle between neighbouring grid directions, in degrees."""


def block_grid(dataset: Dataset, *, size: int) -> Subject:
    """Return the block-grid control of a dataset, for images of a size in pixels.

    The period is that of the median image size. A dataset with many sizes has no common period, but
    its grid is also weak, because its photographs are reduced in size.
    """
    sampled = (dataset.image(i) for i in range(min(SAMPLED, len(dataset))))
    short = float(np.median([min(image.shape[:2]) for image in sampled]))
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
"""Name of a control on cards → function of (dataset, size) that returns its subject."""


def grid_energy(images: Tensor, *, period: float) -> Tensor:
    """Return the energy of a grid in every direction, `[B, 1, F]`, and its phase when upright.

    The absolute Laplacian of the brightness, less its local mean, is correlated with waves of the
    grid's period and half its period. Directions from −45° to 45° suffice, since a square grid
    rotated by 90° is the same.

    Args:
        images: pixels in [0, 1], `[B, 3, s, s]`.
        period: period of the grid in pixels.
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
    """Return the grid's frequency and its double in cycles per pixel, at most 0.5 (Nyquist)."""
    return tuple(min(n / period, 0.5) for n in (1, 2))


def _seen(x_BP: Tensor, *, size: int, frequency: float) -> Tensor:
    """Return a frequency's energy in every direction, and its phase in the upright one."""
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
