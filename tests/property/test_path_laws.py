"""Laws of transform paths (method.md's identity checks, one statement each)."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eqspec.nn.pixels.canvas import canvas_side
from eqspec.ops.find import find_transform
from tests.transform_examples import (
    GEOMETRIC_PATHS,
    PATHS,
    drawn_theta,
    example_at,
    example_params,
    noise,
)

SEEDS = st.integers(0, 2**32)
ANGLES = st.floats(-45, 45, width=32)
BORDERS = st.sampled_from(["reflect", "zeros", "canvas"])
EACH_PATH = pytest.mark.parametrize("name", PATHS)
EACH_GEOMETRIC_PATH = pytest.mark.parametrize("name", GEOMETRIC_PATHS)


def along(images: int) -> tuple[float, ...]:
    """Fractions of the in-between images and of the whole transform."""
    return tuple(k / (images + 1) for k in range(1, images + 2))


@EACH_PATH
@pytest.mark.parametrize("size", [32, 64, 224])
@pytest.mark.parametrize("border", ["reflect", "zeros", "canvas"])
def test_no_parameters_no_change(name: str, size: int, border: str) -> None:
    canvas = noise(size + 8, batch=1)
    theta = torch.tensor([find_transform(name).identity])
    images = example_at(name, size=size, border=border)(canvas, theta, fractions=along(2))
    frame = canvas[..., 4:-4, 4:-4]
    assert torch.equal(images, frame.expand_as(images))


@EACH_PATH
@given(seed=SEEDS, border=BORDERS)
def test_the_start_of_a_path_is_the_image(name: str, seed: int, border: str) -> None:
    canvas = noise(seed=seed)
    at = example_at(name, border=border)
    images = at(canvas, drawn_theta(name, batch=3, seed=seed), fractions=(0.0,))
    assert torch.equal(images[0], canvas)


@EACH_PATH
@given(seed=SEEDS, images=st.integers(1, 5), border=BORDERS)
def test_twice_the_transform_in_twice_the_steps(
    name: str, seed: int, images: int, border: str
) -> None:
    canvas, theta = noise(seed=seed), drawn_theta(name, batch=3, seed=seed) / 2
    at = example_at(name, border=border)
    steps = [k / (images + 1) for k in range(1, images + 1)]
    finer = [k / (2 * (images + 1)) for k in range(1, images + 1)]
    once = at(canvas, theta, fractions=steps)
    assert torch.equal(at(canvas, 2 * theta, fractions=finer), once)


@given(seed=SEEDS, border=BORDERS)
def test_a_mirrored_image_turns_the_other_way(seed: int, border: str) -> None:
    canvas, theta = noise(seed=seed), drawn_theta("rot", batch=3, seed=seed)
    at = example_at("rot", border=border)
    images = at(canvas, theta, fractions=along(2))
    mirrored = at(canvas.flip(-1), -theta, fractions=along(2))
    torch.testing.assert_close(mirrored, images.flip(-1), atol=1e-4, rtol=0)
    if theta.abs().max() > 5:
        assert not torch.allclose(at(canvas, -theta, fractions=along(2)), images, atol=1e-2)


@given(angle=ANGLES, x=st.integers(10, 21), y=st.integers(10, 21))
def test_there_and_back_is_within_a_pixel(angle: float, x: int, y: int) -> None:
    image = torch.zeros(1, 3, 32, 32)
    image[..., y, x] = 1
    at, theta = example_at("rot", border="zeros"), torch.tensor([[angle]])
    back = at(at(image, theta, fractions=(1.0,))[0], -theta, fractions=(1.0,))[0, 0, 0]
    axis = torch.arange(32.0)
    total = back.sum()
    assert abs((back.sum(0) @ axis / total).item() - x) < 0.5
    assert abs((back.sum(1) @ axis / total).item() - y) < 0.5
    outside = back.clone()
    outside[y - 1 : y + 2, x - 1 : x + 2] = 0
    assert outside.sum() / total < 0.25


@given(angle=ANGLES, x=st.floats(-10, 10), y=st.floats(-10, 10))
def test_rigid_motion_is_a_turn_then_a_shift(angle: float, x: float, y: float) -> None:
    """Shown on a smooth image, which two resamplings do not change much."""
    rows, columns = torch.meshgrid(*[torch.linspace(-1, 1, 96).double()] * 2, indexing="ij")
    smooth = torch.exp(-4 * ((rows - 0.2) ** 2 + 2 * (columns + 0.1) ** 2)).expand(1, 3, 96, 96)
    theta = torch.tensor([[angle, x, y]], dtype=torch.float64)

    def warped(name: str, canvas: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
        return example_at(name, size=96, border="zeros")(canvas, part, fractions=(1.0,))[0]

    both = warped("se2", smooth, theta)
    one_by_one = warped("trans", warped("rot", smooth, theta[:, :1]), theta[:, 1:])
    inside = slice(30, 66)
    torch.testing.assert_close(
        both[..., inside, inside], one_by_one[..., inside, inside], atol=5e-3, rtol=0
    )


@EACH_GEOMETRIC_PATH
@given(seed=SEEDS)
def test_a_canvas_shows_what_the_big_image_shows(name: str, seed: int) -> None:
    big, small = 64, 32
    canvas = noise(big, batch=1, seed=seed).double()
    theta = drawn_theta(name, batch=1, size=small, seed=seed).double()
    of_frame = example_at(name, size=small, border="canvas")(canvas, theta, fractions=along(2))
    of_whole = example_at(name, size=big, border="reflect")(canvas, theta, fractions=along(2))
    middle = of_whole[..., 16:48, 16:48]
    torch.testing.assert_close(of_frame, middle, atol=1e-9, rtol=0)


@EACH_PATH
@given(seed=SEEDS, size=st.integers(8, 40))
def test_nothing_beyond_the_reach_is_read(name: str, seed: int, size: int) -> None:
    """The canvas is black, all around it is white, and no white is seen."""
    params = example_params(name)
    side = canvas_side(size, find_transform(name).reach(params, size=size))
    canvas = torch.nn.functional.pad(torch.zeros(1, 3, side, side), (8, 8, 8, 8), value=1.0)
    theta = drawn_theta(name, batch=1, size=size, seed=seed).double()
    at = example_at(name, size=size, border="canvas")
    images = at(canvas.double(), theta, fractions=(0.25, 0.5, 0.75, 1.0))
    assert images.abs().max() < 1e-9


@EACH_GEOMETRIC_PATH
def test_the_reach_is_no_larger_than_it_must_be(name: str) -> None:
    """At the ends of the ranges, the frame does look beyond the next smaller canvas."""
    op, params = find_transform(name), example_params(name)
    side = canvas_side(32, op.reach(params, size=32)) - 2
    canvas = torch.nn.functional.pad(torch.zeros(1, 3, side, side), (8, 8, 8, 8), value=1.0)
    theta = torch.tensor([[high for _, high in op.ranges(params, size=32)]])
    at = example_at(name, border="canvas")
    assert at(canvas, theta, fractions=(1.0,)).max() > 1e-3
