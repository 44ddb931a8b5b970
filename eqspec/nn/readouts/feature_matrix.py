"""Features of n samples as a matrix `[n, D]` that is read batch by batch.

The values may be mapped from a file larger than memory; a batch is copied when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

WHOLE = 2**26
"""Values that statistics read at once (256 MiB); of larger matrices, some columns at a time."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Some columns of a matrix: `values[at]`, `[n, d]`; all of `values` where `at` is None."""

    values: Tensor
    at: Tensor | None = None

    def __len__(self) -> int:
        return len(self.values if self.at is None else self.at)

    def take(self, ids: Tensor) -> Tensor:
        """The values of some samples; `ids` may have any shape, `[..., d]`."""
        return self.values[ids if self.at is None else self.at[ids]]


@dataclass(frozen=True, slots=True)
class FeatureMatrix:
    """Features of n samples, in columns that stand beside one another.

    Attributes:
        columns: each of the same n samples.
        device: where batches are read to.
        scaling: (mean, divisor) per feature, `[D]` each; batches are centred and divided by them.
    """

    columns: tuple[Columns, ...]
    device: torch.device | str = "cpu"
    scaling: tuple[Tensor, Tensor] | None = None

    @classmethod
    def of(cls, values: Tensor) -> FeatureMatrix:
        """The matrix of features that are in memory, `[n, D]`."""
        return cls((Columns(values),), device=values.device)

    def __len__(self) -> int:
        return len(self.columns[0])

    @property
    def width(self) -> int:
        """D, the features of a sample."""
        return sum(part.values.shape[1] for part in self.columns)

    def take(self, ids: Tensor) -> Tensor:
        """Features of some samples in fp32 on the device, `[..., D]`; `ids` may have any shape."""
        at = ids.to(self.columns[0].values.device)
        parts = [part.take(at) for part in self.columns]
        x = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        x = x.to(device=self.device, dtype=torch.float32)
        if self.scaling is None:
            return x
        mean, divisor = self.scaling
        return (x - mean) / divisor

    def chunks(self, size: int) -> Iterator[Tensor]:
        """All samples in order, at most `size` at a time, `[m, D]` each."""
        for ids in torch.arange(len(self)).split(size):
            yield self.take(ids)

    def whole(self) -> Tensor:
        """The matrix in memory, `[n, D]`."""
        return self.take(torch.arange(len(self)))

    def loaded(self) -> FeatureMatrix:
        """The same matrix read once, if it has at most `WHOLE` values: batches are then rows."""
        if len(self) * self.width > WHOLE:
            return self
        return FeatureMatrix.of(self.whole())

    def subset(self, at: np.ndarray) -> FeatureMatrix:
        """The samples at some positions `[m]`; no feature is copied."""
        ids = torch.from_numpy(at)
        parts = (Columns(p.values, ids if p.at is None else p.at[ids]) for p in self.columns)
        return replace(self, columns=tuple(parts))

    def standardised(self) -> FeatureMatrix:
        """The matrix whose batches have mean 0 and standard deviation 1 over all samples.

        A feature that varies little beside the others is divided by a thousandth of their typical
        deviation instead of its own, so that rounding is not amplified into a signal.
        """
        mean, std = self._mean_and_deviation()
        floor = 1e-3 * std.square().mean().sqrt() + torch.finfo(torch.float32).tiny
        return replace(self, scaling=(mean, std.clamp_min(floor)))

    def _mean_and_deviation(self) -> tuple[Tensor, Tensor]:
        """Of every feature, `[D]` each; the sums do not depend on how many columns are read."""
        assert self.scaling is None, "features are standardised once"
        width = max(1, WHOLE // len(self))
        ids = torch.arange(len(self))
        means: list[Tensor] = []
        deviations: list[Tensor] = []
        for part in self.columns:
            for values in part.values.split(width, dim=1):
                block = Columns(values, part.at).take(ids)
                block = block.to(device=self.device, dtype=torch.float32)
                deviation, mean = torch.std_mean(block, dim=0, correction=0)
                means.append(mean)
                deviations.append(deviation)
        return torch.cat(means), torch.cat(deviations)


def standardise(
    train: FeatureMatrix, held_out: FeatureMatrix
) -> tuple[FeatureMatrix, FeatureMatrix]:
    """Both splits, standardised by the mean and standard deviation of the training split."""
    scaled = train.standardised()
    return scaled.loaded(), replace(held_out, scaling=scaled.scaling).loaded()
