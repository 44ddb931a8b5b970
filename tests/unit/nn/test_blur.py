"""Tests of Gaussian blur: kernel size, normalisation, identity and mirroring."""

from __future__ import annotations

import pytest
import torch

from eqspec.nn.pixels.blur import gaussian_blur, radius_of


def noise(batch: int = 2) -> torch.Tensor:
    return torch.rand(batch, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def blurred(image: torch.Tensor, *sigmas: float, radius: int = 6) -> torch.Tensor:
    """One path point, one σ per image."""
    sigma_KB = torch.tensor([sigmas], dtype=image.dtype)
    return gaussian_blur(image, sigma_KB=sigma_KB, radius=radius)[0]


@pytest.mark.parametrize(("sigma", "taps"), [(2.0, 13), (1.5, 11), (0.3, 3), (0.0, 1)])
def test_kernel_is_the_smallest_odd_one_that_holds_three_sigma(sigma, taps):
    assert 2 * radius_of(sigma) + 1 == taps


def test_response_to_a_point_is_the_normalised_gaussian():
    image = torch.zeros(1, 1, 33, 33, dtype=torch.float64)
    image[0, 0, 16, 16] = 1
    response = blurred(image, 2.0)[0, 0]
    distance = torch.arange(-6, 7, dtype=torch.float64)
    kernel = torch.softmax(-(distance**2) / 8, dim=0)
    torch.testing.assert_close(response[10:23, 10:23], kernel[:, None] * kernel)
    assert response.sum().item() == pytest.approx(1)
    effective = (response.sum(0) * (torch.arange(33) - 16) ** 2).sum().sqrt().item()
    assert effective == pytest.approx(1.988, abs=1e-3), "13 taps at a nominal 2"


def test_below_a_tenth_of_a_pixel_no_bit_changes():
    """Of two images, while a third is blurred; black beside white stays black."""
    image = noise(3)
    image[..., ::3] = 0
    result = blurred(image, 0.0, 0.0999, 1.0)
    assert torch.equal(result[:2], image[:2])
    assert not torch.allclose(result[2], image[2], atol=1e-2)


def test_the_rim_mirrors_about_the_outermost_pixel():
    row = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    row[..., 1] = 1
    w0, w1 = 1 / (1 + 2 * 0.8824969), 0.8824969 / (1 + 2 * 0.8824969)
    assert w0 + 2 * w1 == pytest.approx(1)
    edge = blurred(row, 2.0, radius=1)[0, 0, 4, :2]
    assert edge.tolist() == pytest.approx([2 * w1, w0])


def test_a_constant_stays():
    image = torch.full((1, 3, 16, 16), 0.7, dtype=torch.float64)
    torch.testing.assert_close(blurred(image, 2.0), image)
