"""Tests of rotation and translation against torchvision."""

from __future__ import annotations

import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from tests.transform_examples import drawn_theta, example_at, noise

SIZES = pytest.mark.parametrize("size", [32, 57])
BILINEAR = InterpolationMode.BILINEAR
BATCH = 5


def ours(name: str, canvas: torch.Tensor, theta: torch.Tensor, fraction: float) -> torch.Tensor:
    at = example_at(name, size=canvas.shape[-1], border="zeros")
    return at(canvas, theta, fractions=(fraction,))[0]


@SIZES
@pytest.mark.parametrize("fraction", [1 / 3, 1.0])
def test_rotation_is_torchvisions_rotate(size: int, fraction: float) -> None:
    canvas, theta = noise(size, batch=BATCH), drawn_theta("rot", batch=BATCH, size=size)
    theirs = [
        tv.rotate(image, angle=fraction * angle.item(), interpolation=BILINEAR)
        for image, (angle,) in zip(canvas, theta, strict=True)
    ]
    torch.testing.assert_close(
        ours("rot", canvas, theta, fraction), torch.stack(theirs), atol=1e-4, rtol=0
    )


@SIZES
@pytest.mark.parametrize("fraction", [1 / 3, 1.0])
def test_rigid_motion_is_torchvisions_affine_with_the_other_sign(
    size: int, fraction: float
) -> None:
    canvas, theta = noise(size, batch=BATCH), drawn_theta("se2", batch=BATCH, size=size)
    theirs = [
        tv.affine(
            image,
            angle=-fraction * angle,
            translate=[fraction * x, fraction * y],
            scale=1.0,
            shear=[0.0, 0.0],
            interpolation=BILINEAR,
        )
        for image, (angle, x, y) in zip(canvas, theta.tolist(), strict=True)
    ]
    torch.testing.assert_close(
        ours("se2", canvas, theta, fraction), torch.stack(theirs), atol=1e-4, rtol=0
    )


@SIZES
def test_translation_is_torchvisions_affine(size: int) -> None:
    canvas, theta = noise(size, batch=BATCH), drawn_theta("trans", batch=BATCH, size=size)
    theirs = [
        tv.affine(
            image,
            angle=0.0,
            translate=shift,
            scale=1.0,
            shear=[0.0, 0.0],
            interpolation=BILINEAR,
        )
        for image, shift in zip(canvas, theta.tolist(), strict=True)
    ]
    torch.testing.assert_close(
        ours("trans", canvas, theta, 1.0), torch.stack(theirs), atol=1e-4, rtol=0
    )


@SIZES
def test_the_mirror_is_grid_samples(size: int) -> None:
    canvas, theta = noise(size, batch=BATCH), drawn_theta("rot", batch=BATCH, size=size)
    angle = torch.deg2rad(theta[:, 0])
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros(BATCH)
    matrix = torch.stack((cos, -sin, zero, sin, cos, zero), dim=-1).view(-1, 2, 3)
    grid = torch.nn.functional.affine_grid(matrix, list(canvas.shape), align_corners=False)
    theirs = torch.nn.functional.grid_sample(
        canvas, grid, padding_mode="reflection", align_corners=False
    )
    mirrored = example_at("rot", size=size)(canvas, theta, fractions=(1.0,))[0]
    torch.testing.assert_close(mirrored, theirs, atol=1e-4, rtol=0)


def test_flip_is_torchvisions() -> None:
    canvas = noise(batch=2)
    images = example_at("flip")(canvas, torch.zeros(2, 0), fractions=(1.0,))[0]
    assert torch.equal(images, tv.horizontal_flip(canvas))
