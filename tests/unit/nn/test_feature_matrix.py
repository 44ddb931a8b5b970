"""Tests of feature matrices: reading them once changes no bit of any batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eqspec.nn.readouts.feature_matrix import Columns, FeatureMatrix, standardise


def matrix(seed: int, *, samples: int) -> FeatureMatrix:
    """Two parts, one of them picked by rows, as of pairs of images."""
    generator = torch.Generator().manual_seed(seed)
    still = torch.randn(samples // 2, 3, generator=generator)
    moved = 5 + 2 * torch.randn(samples, 4, generator=generator)
    return FeatureMatrix((Columns(still, torch.arange(samples) // 2), Columns(moved)))


@pytest.mark.parametrize("limit", [0, 2**26])
def test_standardised_batches_have_the_same_bits_whether_read_once_or_each_time(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, held_out = matrix(0, samples=40), matrix(1, samples=10)
    scaled = train.standardised()
    assert scaled.scaling is not None
    mean, divisor = scaled.scaling
    ids = torch.tensor([[3, 39, 3], [0, 17, 8]])
    monkeypatch.setattr("eqspec.nn.readouts.feature_matrix.WHOLE", limit)
    found, other = standardise(train, held_out)
    assert torch.equal(found.take(ids), (train.take(ids) - mean) / divisor)
    assert torch.equal(other.whole(), (held_out.whole() - mean) / divisor)
    assert (found.scaling is None) == (limit > 0), "read once if it is small enough"
    np.testing.assert_allclose(found.whole().mean(dim=0), 0, atol=1e-6)
