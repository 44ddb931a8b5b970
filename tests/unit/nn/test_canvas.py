"""Tests of the size of a canvas: room for all corners, centred to the pixel."""

from __future__ import annotations

import math

import pytest

from eqspec.nn.pixels.canvas import canvas_side, rigid_reach


def test_reach_of_a_diagonal():
    # Half the diagonal of the pixel centres of 3 x 3, less half a side.
    assert rigid_reach(degrees=45, pixels=0, size=3) == pytest.approx(math.sqrt(2) - 1)


def test_beyond_the_diagonal_nothing_more_is_reached():
    assert rigid_reach(degrees=180, pixels=0, size=32) == rigid_reach(degrees=45, pixels=0, size=32)


def test_a_shift_reaches_itself_and_turns_with_the_frame():
    assert rigid_reach(degrees=0, pixels=2.5, size=32) == 2.5
    # (15.5 + 1) · (cos 30° + sin 30°) − 15.5
    expected = 16.5 * (math.sqrt(3) / 2 + 0.5) - 15.5
    assert rigid_reach(degrees=30, pixels=1, size=32) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("size", "reach", "side"), [(32, 0.0, 32), (32, 0.1, 34), (33, 2.0, 37), (224, 56.4, 338)]
)
def test_canvas_side(size, reach, side):
    assert canvas_side(size, reach) == side
