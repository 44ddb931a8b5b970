"""Tests of fixed and resampled positions against published numbers."""

from __future__ import annotations

import pytest
import torch
from timm.layers.pos_embed import resample_abs_pos_embed

from eqspec.nn.layers.positions import (
    Interpolation,
    bicubic,
    bicubic_by_matrix,
    resample_positions,
    sincos_positions,
)
from tests.reference.waves import wave

FIRST_COLUMN = [0.841471, 0.01, 0.540302, 0.99995, 0, 0, 1, 1]
"""Eight features of a token one step from the origin, the stepped coordinate first."""


@pytest.mark.parametrize(("first", "token"), [("x", 1), ("row", 3)])
def test_fixed_positions_put_one_coordinate_first(first: str, token: int) -> None:
    """The released codes (7 x 7, width 48) beside these: MAE's within 4e-16, MoCo v3's, which are
    float32, within 2e-7.
    """
    codes = sincos_positions((3, 3), width=8, prefix=0, first=first)[0]
    other = FIRST_COLUMN[4:] + FIRST_COLUMN[:4]
    torch.testing.assert_close(codes[token], torch.tensor(FIRST_COLUMN).double(), rtol=0, atol=1e-6)
    torch.testing.assert_close(codes[4 - token], torch.tensor(other).double(), rtol=0, atol=1e-6)


def test_prefix_tokens_have_no_position() -> None:
    codes = sincos_positions((2, 3), width=4, prefix=2, first="x")
    assert codes.shape == (1, 8, 4)
    assert not codes[:, :2].any()
    assert torch.equal(codes[:, 2:], sincos_positions((2, 3), width=4, prefix=0, first="x"))


def test_a_width_that_is_no_multiple_of_four_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        sincos_positions((2, 2), width=6, prefix=0, first="x")


@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-9), (torch.float32, 2e-6)])
def test_dinos_interpolation(dtype: torch.dtype, within: float) -> None:
    """A 14 x 14 map at 6 x 6, with the scale factor 6.1 / 14, not with the size 6.

    In float32 a coordinate of 13 is itself known to a millionth only. The released function, run
    beside this one on a map of 3 features and a class token, gives the same bits.
    """
    codes = wave(14, 14, 0).reshape(1, 196, 1).to(dtype)
    built = resample_positions(codes, native=(14, 14), grid=(6, 6), how="dino").reshape(6, 6)
    by_scale = [0.7842614236, -0.0372642657, -0.5929497610]
    assert _picked(built) == pytest.approx(by_scale, abs=within)
    image = codes.reshape(1, 1, 14, 14)
    resized = torch.nn.functional.interpolate(image, size=(6, 6), mode="bicubic")[0, 0]
    by_size = [0.7994535476, -0.3647070359, -0.8231734458]
    assert _picked(resized) == pytest.approx(by_size, abs=within)


def _picked(image: torch.Tensor) -> list[float]:
    return [image[0, 0].item(), image[3, 4].item(), image[5, 5].item()]


@pytest.mark.parametrize("grid", [(6, 6), (4, 9), (20, 20)])
def test_timms_interpolation(grid: tuple[int, int]) -> None:
    codes = wave(1 + 196, 3, 0.2)[None].float()
    built = resample_positions(codes, native=(14, 14), grid=grid, how="timm")
    wanted = resample_abs_pos_embed(codes, list(grid), old_size=[14, 14], num_prefix_tokens=1)
    torch.testing.assert_close(built, wanted, rtol=0, atol=0)


@pytest.mark.parametrize("how", ["timm", "dino"])
def test_the_native_grid_is_left_as_it_is(how: str) -> None:
    codes = wave(1 + 6, 4, 0.2)[None]
    assert resample_positions(codes, native=(2, 3), grid=(2, 3), how=how) is codes


@pytest.mark.parametrize("how", ["timm", "dino"])
@pytest.mark.parametrize("grid", [(3, 3), (9, 5)])
def test_the_matrix_gives_the_values_and_gradients_of_interpolation(
    grid: tuple[int, int], how: Interpolation
) -> None:
    """CUDA takes the matrix, because its interpolation has no deterministic backward."""
    image = wave(4, 42, phase=0.0).unflatten(1, (7, 6))[None].to(torch.float32)
    results: list[tuple[torch.Tensor, torch.Tensor]] = []
    for resample in (bicubic, bicubic_by_matrix):
        leaf = image.clone().requires_grad_()
        resampled = resample(leaf, native=(7, 6), grid=grid, how=how)
        resampled.square().sum().backward()
        assert leaf.grad is not None
        results.append((resampled.detach(), leaf.grad))
    torch.testing.assert_close(*results, rtol=0, atol=1e-5)
