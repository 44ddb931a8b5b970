"""Warps: exact where they can be, turned the right way round, and right outside the frame.

The values on the ramp were measured with two independent implementations.
"""

from __future__ import annotations

import pytest
import torch

from eqspec.nn.pixels.warp import bilinear, rigid

BOTH = pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-9), (torch.float32, 1e-6)])
"""Precisions, and how near they come to what was printed."""


def noise(size: int, *, batch: int = 2) -> torch.Tensor:
    return torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(0))


def ramp(dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """p[r, c] = (8r + c)/63."""
    return (torch.arange(64, dtype=torch.float64) / 63).view(1, 1, 8, 8).to(dtype)


def moved(image, *, degrees=0.0, x=0.0, y=0.0, border="zeros", size=None) -> torch.Tensor:
    """One path point, the same for all images."""
    batch = image.shape[0]
    return rigid(
        image,
        degrees_KB=torch.full((1, batch), degrees, dtype=image.dtype),
        shift_KB2=torch.tensor([x, y], dtype=image.dtype).expand(1, batch, 2),
        size=size or image.shape[-1],
        border=border,
    )[0]


@pytest.mark.parametrize("border", ["reflect", "zeros", "canvas"])
@pytest.mark.parametrize("size", [7, 32, 96, 224])
def test_identity_is_exact(size, border):
    image = noise(size)
    assert torch.equal(moved(image, border=border), image)


@pytest.mark.parametrize("border", ["reflect", "zeros"])
@pytest.mark.parametrize("size", [32, 64, 224])
@pytest.mark.parametrize(("x", "y"), [(1, 0), (0, -3), (-9, 10)])
def test_whole_pixel_shifts_are_exact(size, border, x, y):
    image = noise(size)
    inside = slice(10, size - 10)
    rolled = torch.roll(image, (y, x), dims=(-2, -1))
    shifted = moved(image, x=x, y=y, border=border)
    assert torch.equal(shifted[..., inside, inside], rolled[..., inside, inside])


def test_shift_into_black_and_into_the_mirror():
    image = noise(32)
    black = moved(image, x=3, border="zeros")
    assert torch.equal(black[..., :3], torch.zeros_like(black[..., :3]))
    mirrored = moved(image, x=3, border="reflect")
    assert torch.equal(mirrored[..., :3], image[..., :3].flip(-1))


@pytest.mark.parametrize("periods", [-2, -1, 1, 2])
def test_mirrors_repeat_for_ever(periods):
    image = noise(32)
    assert torch.equal(moved(image, y=64.0 * periods, border="reflect"), image)


@BOTH
def test_ramp_shifted(dtype, within):
    right = moved(ramp(dtype), x=1)[0, 0]
    assert right[0, 0] == 0
    assert right[3, 4].item() == pytest.approx(0.4285714286, abs=within)
    assert right.mean().item() == pytest.approx(0.4305555556, abs=within)
    assert moved(ramp(dtype), y=1)[0, 0, 3, 4].item() == pytest.approx(0.3174603175, abs=within)


@BOTH
def test_ramp_turned_counter_clockwise(dtype, within):
    quarter = moved(ramp(dtype), degrees=90)[0, 0]
    assert quarter[0, 0].item() == pytest.approx(0.1111111111, abs=within)
    assert quarter[0, 7].item() == pytest.approx(1, abs=within)
    turned = moved(ramp(dtype), degrees=30)[0, 0]
    assert turned[3, 4].item() == pytest.approx(0.4876017633, abs=within)
    assert turned.mean().item() == pytest.approx(0.4225862083, abs=within)
    assert turned[[0, 0, 7, 7], [0, 7, 0, 7]].tolist() == [0, 0, 0, 0]
    clockwise = moved(ramp(dtype), degrees=-90)[0, 0]
    assert clockwise[0, 0].item() == pytest.approx(0.8888888889, abs=within)


@BOTH
def test_ramp_turned_then_shifted(dtype, within):
    both = moved(ramp(dtype), degrees=30, x=1, y=-2)[0, 0]
    assert both[0, 0].item() == pytest.approx(0.0053266800, abs=within)
    assert both[3, 4].item() == pytest.approx(0.6144332086, abs=within)
    assert both.mean().item() == pytest.approx(0.3673296519, abs=within)


@BOTH
def test_ramp_turned_in_the_mirror(dtype, within):
    turned = moved(ramp(dtype), degrees=30, border="reflect")[0, 0]
    assert turned[0, 0].item() == pytest.approx(0.0709146412, abs=within)
    assert turned[7, 7].item() == pytest.approx(0.9290853588, abs=within)
    assert turned.mean().item() == pytest.approx(0.5, abs=within)


def test_a_quarter_turn_takes_right_to_top():
    image = torch.zeros(1, 1, 9, 9)
    image[0, 0, 4, 7] = 1
    turned = moved(image, degrees=90)[0, 0]
    assert turned[1, 4].item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("border", ["reflect", "zeros"])
def test_without_a_canvas_nothing_outside_the_frame_is_seen(border):
    image = noise(32)
    canvas = torch.nn.functional.pad(image, (8, 8, 8, 8), value=1.0)
    expected = moved(image, degrees=40, x=2.5, border=border)
    assert torch.equal(moved(canvas, degrees=40, x=2.5, border=border, size=32), expected)


def test_a_canvas_shows_its_margin():
    canvas = noise(48)
    shifted = moved(canvas, x=-8, y=3, border="canvas", size=32)
    assert torch.equal(shifted, canvas[..., 5:37, 16:48])


def test_every_image_and_point_has_its_own_motion():
    image = noise(32, batch=3)
    degrees_KB = torch.tensor([[0.0, 10.0, 20.0], [30.0, 0.0, -5.0]])
    shift_KB2 = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [0.5, 0.5]]]).expand(2, 3, 2)
    all_at_once = rigid(
        image, degrees_KB=degrees_KB, shift_KB2=shift_KB2, size=32, border="reflect"
    )
    for k in range(2):
        for b in range(3):
            x, y = shift_KB2[k, b].tolist()
            degrees = degrees_KB[k, b].item()
            alone = moved(image[b : b + 1], degrees=degrees, x=x, y=y, border="reflect")
            assert torch.equal(all_at_once[k, b], alone[0])


def test_bilinear_weighs_the_four_neighbours_of_an_oblong_image():
    image = torch.arange(24, dtype=torch.float64).view(1, 1, 4, 6)
    at = torch.tensor([[2.25, 5.5, -1.0], [1.5, 3.0, 0.0]], dtype=torch.float64).view(1, 2, 1, 3)
    black = bilinear(image, at, outside="zeros")
    assert black.flatten().tolist() == [1.5 * 6 + 2.25, 23 / 2, 0]
    mirrored = bilinear(image, at, outside="reflect")
    assert mirrored.flatten().tolist() == [1.5 * 6 + 2.25, 23, 0]


def test_bilinear_leaves_its_coordinates_alone():
    at = torch.full((1, 2, 1, 1), 40.0)
    bilinear(noise(32, batch=1), at, outside="reflect")
    assert at.tolist() == torch.full((1, 2, 1, 1), 40.0).tolist()
