"""Tests of colour and blur against torchvision."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms.v2 import functional as tv

from eqspec.nn.pixels import color
from tests.transform_examples import drawn_theta, example_at, noise

BATCH = 6


@pytest.mark.parametrize(
    ("ours", "theirs", "start"),
    [
        (color.brightness, tv.adjust_brightness, 1.0),
        (color.contrast, tv.adjust_contrast, 1.0),
        (color.saturation, tv.adjust_saturation, 1.0),
        (color.hue, tv.adjust_hue, 0.0),
    ],
    ids=["brightness", "contrast", "saturation", "hue"],
)
def test_each_adjustment(ours, theirs, start) -> None:
    images = noise(batch=BATCH)
    images[3] = (images[3] * 4).round() / 4  # ties between channels, blacks and whites
    images[4] = images[4, :1]  # greys
    amounts = torch.linspace(-0.5, 0.5, BATCH)
    expected = [theirs(i, start + a.item()) for i, a in zip(images, amounts, strict=True)]
    torch.testing.assert_close(ours(images, amounts), torch.stack(expected), atol=1e-5, rtol=0)


@pytest.mark.parametrize("fraction", [1 / 3, 2 / 3, 1.0])
def test_points_of_the_colour_path(fraction: float) -> None:
    images, theta = noise(batch=BATCH), drawn_theta("color", batch=BATCH)
    expected = []
    for image, delta in zip(images, theta, strict=True):
        b, c, s, h = (fraction * delta).tolist()
        changed = tv.adjust_contrast(tv.adjust_brightness(image, 1 + b), 1 + c)
        expected.append(tv.adjust_hue(tv.adjust_saturation(changed, 1 + s), h))
    ours = example_at("color")(images, theta, fractions=(fraction,))[0]
    torch.testing.assert_close(ours, torch.stack(expected), atol=1e-5, rtol=0)


@pytest.mark.parametrize("fraction", [1 / 3, 2 / 3, 1.0])
def test_points_of_the_blur_path(fraction: float) -> None:
    images, theta = noise(batch=BATCH), drawn_theta("blur", batch=BATCH)
    expected = [
        tv.gaussian_blur(image, kernel_size=[13, 13], sigma=fraction * sigma.item())
        for image, (sigma,) in zip(images, theta, strict=True)
    ]
    ours = example_at("blur")(images, theta, fractions=(fraction,))[0]
    torch.testing.assert_close(ours, torch.stack(expected), atol=1e-5, rtol=0)


def test_grey_in_three_channels() -> None:
    images = noise(batch=BATCH)
    ours = example_at("grayscale")(images, torch.zeros(BATCH, 0), fractions=(1.0,))[0]
    expected = tv.rgb_to_grayscale(images, num_output_channels=3)
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=0)


def test_solarisation() -> None:
    images = noise(batch=BATCH)
    images[0, 0, 0, 0] = 128 / 255
    ours = example_at("solarise")(images, torch.zeros(BATCH, 0), fractions=(1.0,))[0]
    assert torch.equal(ours, tv.solarize(images, threshold=128 / 255))
