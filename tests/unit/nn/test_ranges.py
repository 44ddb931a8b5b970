"""Tests of ranges and their largest magnitude."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from eqspec.nn.random.ranges import Range, largest, per_largest, scaled


def test_a_range_is_ordered():
    adapter = TypeAdapter(Range)
    assert adapter.validate_python([-2, 1]) == (-2.0, 1.0)
    with pytest.raises(ValidationError, match=r"2.0 is above 1.0"):
        adapter.validate_python([2, 1])


def test_largest_considers_both_bounds():
    assert largest((-3.0, 2.0)) == 3.0
    assert largest((0.1, 2.0)) == 2.0


def test_per_largest_fills_the_unit_interval():
    assert per_largest((-4.0, 2.0)) == 0.25
    assert per_largest((0.0, 0.0)) == 0.0


def test_scaled():
    assert scaled((-10.0, 5.0), 0.5) == (-5.0, 2.5)
