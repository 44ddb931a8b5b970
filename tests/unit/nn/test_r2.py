"""Tests of R² against scikit-learn and worked examples, and of its bootstraps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score
from torch import Tensor

from eqspec.nn.readouts.bootstrap import interval, resample
from eqspec.nn.readouts.r2 import constant_r2, r2, resampled_r2


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def uniform(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_every_aggregation_equals_scikit_learn() -> None:
    targets = normal(200, 4, seed=0).numpy() * np.array([1, 3, 0.2, 10]) + np.array([0, 5, 1, -2])
    predicted = targets + normal(200, 4, seed=1).numpy() * np.array([0.5, 1, 0.3, 4])
    ours = r2((predicted - targets) ** 2, targets)
    for how, value in (
        ("raw_values", ours.per_parameter),
        ("uniform_average", ours.uniform),
        ("variance_weighted", ours.weighted),
    ):
        np.testing.assert_allclose(value, r2_score(targets, predicted, multioutput=how), rtol=1e-12)


def test_pooled_equals_the_worked_example_of_sie() -> None:
    targets = np.array([[0.5, 10], [1, 12], [1.5, 12], [3, 13]])
    predicted = np.array([[0, 10], [1, 11], [2, 13], [3, 12]])
    ours = r2((predicted - targets) ** 2, targets)
    assert ours.pooled == pytest.approx(0.9839725, abs=1e-7)
    np.testing.assert_allclose(ours.per_parameter, [0.857143, 0.368421], atol=1e-6)
    assert ours.uniform == pytest.approx(0.612782, abs=1e-6)


def test_a_constant_predictor_scores_82_percent_pooled_on_colour_factors() -> None:
    grid = torch.linspace(-1, 1, 20_001, dtype=torch.float64)
    orders = [
        torch.randperm(len(grid), generator=torch.Generator().manual_seed(i)) for i in range(4)
    ]
    deltas = torch.stack([grid[o] for o in orders], dim=1).numpy() * np.array([0.4, 0.4, 0.4, 0.1])
    on_factors, on_deltas = constant_r2(deltas + np.array([1, 1, 1, 0])), constant_r2(deltas)
    assert on_factors.pooled == pytest.approx(0.8212, abs=1e-4)
    for score in (on_factors.uniform, on_factors.weighted, on_deltas.uniform, on_deltas.pooled):
        assert score == pytest.approx(0, abs=1e-9)


def test_a_parameter_without_variance_is_dropped_with_a_warning() -> None:
    targets = np.stack([np.arange(5.0), np.full(5, 2.0)], axis=1)
    with pytest.warns(UserWarning, match=r"\[1\] have no variance"):
        ours = r2(np.full((5, 2), 0.5), targets)
    assert math.isnan(ours.per_parameter[1])
    assert ours.uniform == ours.per_parameter[0] == pytest.approx(0.75)


def test_resampled_r2_equals_a_loop_over_copied_samples() -> None:
    targets, errors = normal(40, 3, seed=0).numpy(), normal(40, 3, seed=1).numpy() ** 2
    times = resample(np.arange(40) // 4, resamples=1000, op="test")
    assert (times.reshape(1000, 10, 4) == times.reshape(1000, 10, 4)[:, :, :1]).all()
    assert (times.sum(axis=1) == 40).all()
    ours = resampled_r2(times, errors, targets)
    for i in range(5):
        copies = np.repeat(np.arange(40), times[i].astype(int))
        assert ours[i] == pytest.approx(r2(errors[copies], targets[copies]).uniform, abs=1e-6)


def test_the_interval_covers_the_true_value_about_95_times_in_100() -> None:
    covered, n = 0, 100
    for i in range(100):
        targets = uniform(n, 1, seed=i).numpy() * 2 - 1
        errors = normal(n, 1, seed=1000 + i).numpy() ** 2 / 6
        times = resample(np.arange(n), resamples=1000, op=f"test.{i}")
        found = interval(resampled_r2(times, errors, targets), over="images")
        covered += found.low <= 0.5 <= found.high
    assert 88 <= covered <= 99
