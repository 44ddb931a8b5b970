"""Tests of the weight-normalised layer against published numbers."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from eqspec.nn.heads.weight_norm_linear import WeightNormLinear
from eqspec.nn.layers.initialise import initialise
from tests.reference.waves import wave


def head(*, train_norm: bool = True, dtype: torch.dtype = torch.float64) -> WeightNormLinear:
    built = WeightNormLinear(4, width=6, train_norm=train_norm).to(dtype)
    with torch.no_grad():
        built.weight_v.copy_(wave(6, 4, 0.4))
    return built


@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-9), (torch.float32, 1e-6)])
def test_published_scores(dtype: torch.dtype, within: float) -> None:
    """The released layer, run beside this one: scores and gradients differ by at most 3e-16."""
    scores = head(dtype=dtype)(x=functional.normalize(wave(3, 4, 0.2).to(dtype), dim=1))
    assert scores[0, :3].tolist() == pytest.approx(
        [0.9954806029, 0.6328861393, -0.2156082825], abs=within
    )


def test_directions_start_as_those_of_a_plain_linear_layer() -> None:
    """As released, where the rest of the head starts at a standard deviation of 0.02."""
    built = WeightNormLinear(64, width=500, train_norm=False)
    initialise(built, seed=0, name="prototypes")
    assert built.weight_v.abs().max() <= 1 / 8
    assert built.weight_v.std().item() == pytest.approx(1 / 8 / 3**0.5, rel=0.02)


def test_lengths_scale_their_rows() -> None:
    built, x = head(), wave(3, 4, 0.2)
    before = built(x=x)
    with torch.no_grad():
        built.weight_g[2] = 3.0
    wanted = before * torch.tensor([1.0, 1, 3, 1, 1, 1])
    torch.testing.assert_close(built(x=x), wanted)


def test_rows_are_independent() -> None:
    """A loss on the first rows sends exactly nothing to the others: `cut` relies on it."""
    built = head()
    built(x=wave(3, 4, 0.2))[:, :4].square().sum().backward()
    for weight in (built.weight_v, built.weight_g):
        assert weight.grad[:4].abs().min() > 0
        assert torch.equal(weight.grad[4:], torch.zeros_like(weight.grad[4:]))


def test_lengths_are_parameters_even_when_they_stay_at_one() -> None:
    fixed = head(train_norm=False)
    initialise(fixed, seed=0, name="prototypes")
    assert not fixed.weight_g.requires_grad
    assert fixed.weight_g.eq(1).all()
    assert set(fixed.state_dict()) == {"weight_g", "weight_v"}
