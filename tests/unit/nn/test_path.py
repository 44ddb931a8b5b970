"""Tests of points of a path and of the frame of a canvas."""

from __future__ import annotations

import pytest
import torch

from eqspec.nn.pixels.path import points, window


def test_points_are_linear_in_the_dtype_of_the_image():
    theta = torch.tensor([[3.0, -6.0]], dtype=torch.float64)
    at = points(theta, (0.0, 1 / 3, 1.0), like=torch.zeros(1, dtype=torch.bfloat16))
    assert at.dtype == torch.float32
    assert at.shape == (3, 1, 2)
    torch.testing.assert_close(at[:, 0], torch.tensor([[0.0, 0.0], [1.0, -2.0], [3.0, -6.0]]))


def test_the_window_is_the_middle():
    canvas = torch.arange(48.0).view(1, 1, 6, 8)
    assert window(canvas, size=4).tolist() == canvas[..., 1:5, 2:6].tolist()


def test_half_pixels_are_read_as_float32():
    canvas = torch.zeros(1, 3, 4, 4, dtype=torch.float16)
    assert window(canvas, size=4).dtype == torch.float32


@pytest.mark.parametrize(
    ("canvas", "complaint"),
    [
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), "floating-point"),
        (torch.zeros(1, 3, 4, 2), "smaller than its frame"),
        (torch.zeros(1, 3, 5, 5), "centred to the pixel"),
    ],
)
def test_what_is_no_canvas(canvas, complaint):
    with pytest.raises(AssertionError, match=complaint):
        window(canvas, size=4)
