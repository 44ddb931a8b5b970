"""Tests of photometric operations on a few pixels; tests/reference compares with torchvision."""

from __future__ import annotations

import pytest
import torch

from eqspec.nn.pixels import color


def pixel(*rgb: float) -> torch.Tensor:
    return torch.tensor(rgb, dtype=torch.float64).view(3, 1, 1)


def delta(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def assert_rgb(image: torch.Tensor, *rgb: float) -> None:
    torch.testing.assert_close(image, pixel(*rgb))


def test_brightness_multiplies_and_clamps():
    assert_rgb(color.brightness(pixel(0.2, 0.5, 0.9), delta(0.4)), 0.28, 0.7, 1.0)


def test_contrast_is_about_the_images_own_mean():
    image = torch.cat((pixel(0.2, 0.2, 0.2), pixel(0.6, 0.6, 0.6)), dim=-1)
    grey = 0.4 * 0.9999
    changed = color.contrast(torch.stack((image, image * 0.5)), delta(-0.5).expand(2))
    torch.testing.assert_close(changed[0], 0.5 * image + 0.5 * grey)
    torch.testing.assert_close(changed[1], 0.25 * image + 0.25 * grey)


def test_saturation_is_about_each_pixels_grey():
    assert_rgb(color.saturation(pixel(1.0, 0.0, 0.0), delta(-1.0)), 0.2989, 0.2989, 0.2989)


@pytest.mark.parametrize(
    ("turn", "rgb"),
    [(1 / 3, (0, 1, 0)), (-1 / 3, (0, 0, 1)), (0.5, (0, 1, 1)), (1 / 6, (1, 1, 0)), (1, (1, 0, 0))],
)
def test_hue_turns_red_through_the_wheel(turn, rgb):
    assert_rgb(color.hue(pixel(1, 0, 0), delta(turn)), *map(float, rgb))


def test_greys_have_no_hue_to_turn():
    assert_rgb(color.hue(pixel(0.3, 0.3, 0.3), delta(0.2)), 0.3, 0.3, 0.3)
    assert_rgb(color.hue(pixel(0, 0, 0), delta(0.2)), 0.0, 0.0, 0.0)


@pytest.mark.parametrize("channel", range(4))
def test_a_delta_of_zero_changes_no_bit(channel):
    """Of one image, while its neighbour is changed."""
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    amounts = torch.zeros(2, 4)
    amounts[1, channel] = 0.3
    changed = color.jitter(images, amounts)
    assert torch.equal(changed[0], images[0])
    assert not torch.allclose(changed[1], images[1], atol=1e-2)


def test_the_order_is_brightness_contrast_saturation_hue():
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    b, c, s, h = torch.tensor([[0.4, -0.3, 0.2, 0.1]]).unbind(-1)
    by_hand = color.hue(color.saturation(color.contrast(color.brightness(image, b), c), s), h)
    assert torch.equal(color.jitter(image, torch.stack((b, c, s, h), -1)), by_hand)


def test_solarise_inverts_from_the_threshold_on():
    assert_rgb(color.solarise(pixel(0.4, 0.5, 0.75), threshold=0.5), 0.4, 0.5, 0.25)
