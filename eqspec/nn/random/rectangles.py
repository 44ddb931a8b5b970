"""Masks of random rectangles for many images at once. Free of torch.

The sampler of BEiT (arXiv:2106.08254, algorithm 1), as released by iBOT and DINOv2. Legend:
n images, R rows and C columns of patches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.nn.random.philox import Draws

TRIES = 10
"""Number of consecutive rectangles that may fail to fit before an image is finished."""

TRIES_PER_ROUND = 32
"""Number of rectangles for which random numbers are drawn at a time."""


@dataclass(frozen=True, slots=True)
class Rectangles:
    """Sampler of rectangular masks.

    Attributes:
        grid: (rows, columns) of patches; rectangles are smaller than the grid in both directions.
        min_area: smallest area drawn, in patches.
        max_area: largest number of patches that one rectangle may add.
        max_aspect: largest aspect ratio, either way; its logarithm is uniform.
    """

    grid: tuple[int, int]
    min_area: float
    max_area: float
    max_aspect: float

    def fill(
        self,
        targets: NDArray[np.float64],
        *,
        draws: Draws,
        op: str,
        step: int,
        samples: NDArray[np.int64],
        view: int,
    ) -> NDArray[np.bool_]:
        """Return masks of up to `targets` patches each, fewer if no further rectangle fits.

        Args:
            targets: number of patches to mask per image `[n]`.
            draws: random numbers of the run.
            op: name under which to draw.
            step: step, from 0.
            samples: positions of the images in the global batch `[n]`.
            view: index of the view.

        Returns:
            `[n, R, C]`, true where masked. Each mask depends only on its own target and position.
        """
        masks = np.zeros((len(targets), *self.grid), dtype=np.bool_)
        failures = np.zeros(len(targets), dtype=np.int64)
        round_ = 0
        while (unfilled := _unfilled(masks, targets=targets, failures=failures)).any():
            name, count = f"{op}.rectangles.{round_}", 4 * TRIES_PER_ROUND
            numbers = draws.uniform(name, step=step, samples=samples, view=view, count=count)
            for four in np.split(numbers, TRIES_PER_ROUND, axis=1):
                placed = self._location(masks, targets=targets, numbers=four, where=unfilled)
                failures = np.where(placed, 0, failures + 1)
                unfilled = _unfilled(masks, targets=targets, failures=failures)
            round_ += 1
        return masks

    def _location(
        self,
        masks: NDArray[np.bool_],
        *,
        targets: NDArray[np.float64],
        numbers: NDArray[np.float64],
        where: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Try to add a rectangle to some images, in place; return `[n]`, true where one fitted."""
        rows, columns = self.grid
        wanted = np.minimum(targets - masks.sum(axis=(1, 2)), self.max_area)
        area = np.maximum(self.min_area + numbers[:, 0] * (wanted - self.min_area), 0.0)
        aspect = self.max_aspect ** (2 * numbers[:, 1] - 1)
        height, width = np.rint(np.sqrt(area * aspect)), np.rint(np.sqrt(area / aspect))
        top = np.floor(numbers[:, 2] * (rows - height + 1))
        left = np.floor(numbers[:, 3] * (columns - width + 1))
        rectangle = (
            _between(rows, top, top + height)[:, :, None]
            & _between(columns, left, left + width)[:, None, :]
        )
        added = (rectangle & ~masks).sum(axis=(1, 2))
        fits = (height < rows) & (width < columns) & (added >= 1) & (added <= wanted)
        placed = fits & where
        masks |= rectangle & placed[:, None, None]
        return placed


def _unfilled(
    masks: NDArray[np.bool_], *, targets: NDArray[np.float64], failures: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return `[n]`, true for images that need more patches and have not failed too often."""
    return (masks.sum(axis=(1, 2)) < targets) & (failures < TRIES)


def _between(count: int, first: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return `[n, count]`, true at the places first ≤ i < end."""
    places = np.arange(count)
    return (places >= first[:, None]) & (places < end[:, None])
