"""Quantiles of Student's t, compared with scipy's."""

from __future__ import annotations

import pytest
from scipy import stats

from eqspec.runs.highest import T_975


def test_quantiles_are_those_of_scipy() -> None:
    expected = [stats.t.ppf(0.975, freedom) for freedom in range(1, len(T_975) + 1)]
    assert pytest.approx(expected, abs=5e-4) == T_975
