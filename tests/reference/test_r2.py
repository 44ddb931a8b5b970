"""Tests of the r2 protocol and its regressor on inputs with known results."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from eqspec.compile.types.plan import DataPlan, EvalPlan
from eqspec.evals.bench import Bench
from eqspec.evals.evaluate import evaluate
from eqspec.evals.features import Subject
from eqspec.nn.readouts.feature_matrix import FeatureMatrix
from eqspec.nn.readouts.fitting import Fitting
from eqspec.nn.readouts.r2 import r2
from eqspec.nn.readouts.regression import Regressors, fit_predict

SIZE, SIDE = 32, 48
DATA = DataPlan(name="made", impl="made", params={}, split="train", count=0)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def uniform(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


# --- the regressor --------------------------------------------------------------------------------


def predict(
    train: Tensor,
    targets: Tensor,
    held_out: Tensor,
    *,
    epochs: int = 20,
    seeds: int = 1,
    weight_decay: float = 0.0,
) -> Tensor:
    return fit_predict(
        FeatureMatrix.of(train),
        targets,
        FeatureMatrix.of(held_out),
        regressors=Regressors(hidden=(64, 64), lr=3e-3, seeds=seeds),
        fitting=Fitting(epochs=epochs, batch=128, weight_decay=weight_decay),
    )


def held_out_r2(features: Tensor, targets: Tensor, *, epochs: int = 20) -> float:
    half = len(features) // 2
    predicted = predict(features[:half], targets[:half], features[half:], epochs=epochs)
    errors = (predicted.mean(dim=0) - targets[half:]).square()
    return r2(errors.numpy(), targets[half:].numpy()).uniform


def test_linear_features_are_read_almost_perfectly() -> None:
    targets = uniform(4000, 2, seed=0) * 2 - 1
    features = targets @ normal(2, 16, seed=1) + 1e-3 * normal(4000, 16, seed=2)
    assert held_out_r2(features, targets, epochs=30) >= 0.999


def test_noise_as_strong_as_the_signal_leaves_half_of_the_variance() -> None:
    targets = normal(20_000, 1, seed=0)
    features = targets + normal(20_000, 1, seed=1)
    assert held_out_r2(features, targets, epochs=5) == pytest.approx(0.5, abs=0.02)


def test_what_no_linear_regressor_reads_is_read() -> None:
    features = uniform(4000, 1, seed=0) * 2 - 1
    targets = features.abs()
    ones = torch.cat([features, torch.ones_like(features)], dim=1)
    fitted = ones @ torch.linalg.lstsq(ones, targets).solution
    assert r2((targets - fitted).square().numpy(), targets.numpy()).uniform < 0.01
    assert held_out_r2(features, targets, epochs=20) > 0.99


def test_weight_decay_pulls_a_regressor_towards_a_constant() -> None:
    """AdamW multiplies the weights by 1 - lr · decay at every step."""
    targets = uniform(2000, 1, seed=0) * 2 - 1
    spread = []
    for decay in (0.0, 10.0, 100.0):
        predicted = predict(targets, targets, targets, epochs=10, weight_decay=decay)
        spread.append(float(predicted.std() / targets.std()))
    assert spread[0] > 0.99
    assert spread[0] > spread[1] + 0.02
    assert spread[2] < 0.5


def test_permuted_labels_cannot_be_read() -> None:
    targets = uniform(20_000, 2, seed=0) * 2 - 1
    features = targets.roll(7, dims=0) @ normal(2, 4, seed=1) + 0.1 * normal(20_000, 4, seed=2)
    assert -0.1 <= held_out_r2(features, targets, epochs=5) <= 0.02


def test_seeds_trained_at_once_equal_seeds_trained_alone() -> None:
    targets = uniform(600, 2, seed=0)
    features = targets @ normal(2, 8, seed=1)
    together = predict(features, targets, features, epochs=2, seeds=3)
    fewer = predict(features, targets, features, epochs=2, seeds=1)
    torch.testing.assert_close(together[:1], fewer, rtol=1e-4, atol=1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-3


def test_a_dead_feature_is_not_blown_up_into_a_signal() -> None:
    targets = uniform(4000, 1, seed=0) * 2 - 1
    features = torch.cat([normal(4000, 3, seed=1), 1 + 1e-6 * targets], dim=1)
    assert abs(held_out_r2(features, targets, epochs=5)) < 0.05


# --- the protocol on encoders that can or cannot know ---------------------------------------------


@dataclass(frozen=True)
class Made:
    """Images made from a float stack [n, 3, side, side] in [0, 1]."""

    pixels: Tensor

    @property
    def sources(self) -> np.ndarray:
        return np.arange(len(self.pixels)) // 5

    def __len__(self) -> int:
        return len(self.pixels)

    def image(self, i: int, /) -> np.ndarray:
        return (self.pixels[i] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def subject(encoder) -> Subject:
    """An encoder of pixels in [0, 1] to one vector, as a model without prefix tokens."""
    return Subject(
        encoder=lambda x: encoder(x)[:, None], prefix=0, size=SIZE, mean=(0, 0, 0), std=(1, 1, 1)
    )


def score(
    encoder, train: Made, held_out: Made, *, family: dict, borders=("canvas",), **params
) -> dict:
    """R² by border."""
    numbers = {
        "families": {"g": family},
        "borders": list(borders),
        "draws": 4,
        "heldout_draws": 2,
        "train_pairs": 100_000,
        "heldout_pairs": 10_000,
        "hidden": [64, 64],
        "epochs": 20,
        "batch": 128,
        "lr": 2e-3,
        "seeds": 1,
    } | params
    plan = EvalPlan(id="0", name="r2", impl="r2", rev=1, params=numbers, data=DATA, steps=())
    result = evaluate(plan, Bench(subject(encoder), train=train, held_out=held_out))
    return {m.of("border"): m.value for m in result.measurements if m.name == "r2"}


def plane(side: int) -> tuple[Tensor, Tensor]:
    """x and y in pixels from the centre."""
    axis = torch.arange(side) - (side - 1) / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return x, y


def discs(count: int, *, seed: int) -> Made:
    """A disc of one colour on a ground of another; turning it changes nothing."""
    x, y = plane(SIDE)
    inside = torch.sigmoid((10 - (x * x + y * y).sqrt()) / 1.5)
    colours = 0.3 + 0.6 * uniform(count, 2, 3, 1, 1, seed=seed)
    return Made(colours[:, 0] * inside + colours[:, 1] * (1 - inside))


def leak(borders: tuple[str, ...]) -> dict:
    """R² of a one-sided rotation from nothing but the mean colour.

    One-sided because black corners tell the size of an angle, not its sign.
    """
    return score(
        lambda x: x.mean(dim=(2, 3)),
        discs(400, seed=0),
        discs(200, seed=1),
        family={"impl": "rot", "params": {"degrees": [0.0, 45.0]}},
        borders=borders,
        epochs=8,
        hidden=[32],
    )


def assert_border_free(scores: dict) -> None:
    assert all(abs(value) < 0.05 for value in scores.values()), scores


def test_an_invariant_encoder_reads_no_rotation_where_borders_show_the_image() -> None:
    assert_border_free(leak(("canvas",)))


def test_the_leak_test_has_teeth() -> None:
    leaking = leak(("zeros",))
    assert leaking["zeros"] > 0.3
    with pytest.raises(AssertionError):
        assert_border_free(leaking)


def gratings(count: int, *, seed: int) -> Made:
    """Sinusoidal gratings of one frequency, within 15 degrees of upright."""
    x, y = (p[None] for p in plane(SIDE))
    angle = ((uniform(count, 1, 1, seed=seed) * 2 - 1) * 15).deg2rad()
    phase = 2 * math.pi * uniform(count, 1, 1, seed=seed + 1)
    wave = 0.5 + 0.45 * torch.cos(2 * math.pi * (x * angle.cos() + y * angle.sin()) / 5 + phase)
    return Made(wave[:, None].expand(-1, 3, -1, -1))


def direction(x: Tensor) -> Tensor:
    """Direction of the strongest frequency, as cosine and sine of the doubled angle, `[B, 2]`."""
    grey = x.mean(dim=1)
    window = torch.hann_window(SIZE, periodic=False)
    grey = (grey - grey.mean(dim=(1, 2), keepdim=True)) * window * window[:, None]
    at = torch.fft.rfft2(grey, s=(128, 128)).abs().flatten(1).argmax(dim=1)
    row, column = at // 65, at % 65
    angle = torch.atan2((row + 64) % 128 - 64.0, column.to(torch.float32))
    return torch.stack([(2 * angle).cos(), (2 * angle).sin()], dim=1)


def test_rotation_is_read_from_the_direction_of_a_grating() -> None:
    scores = score(
        direction,
        gratings(300, seed=0),
        gratings(150, seed=10),
        family={"impl": "rot", "params": {"degrees": [-45.0, 45.0]}},
    )
    assert scores["canvas"] > 0.95


def test_blur_is_read_from_high_frequencies() -> None:
    def energy(x: Tensor) -> Tensor:
        across = (x[..., 1:] - x[..., :-1]).square().mean(dim=(1, 2, 3))
        return torch.stack([across, across.log()], dim=1)

    scores = score(
        energy,
        Made(uniform(300, 3, SIDE, SIDE, seed=0)),
        Made(uniform(150, 3, SIDE, SIDE, seed=1)),
        family={"impl": "blur", "params": {"sigma": [0.1, 2.0], "at": SIZE}},
    )
    assert scores["any"] > 0.9


def blobs(count: int, *, seed: int) -> Made:
    """A smooth bright spot near the centre."""
    x, y = (p[None] for p in plane(SIDE))
    off = (uniform(count, 2, 1, 1, seed=seed) * 2 - 1) * 2
    spot = 0.9 * torch.exp(-((x - off[:, 0]) ** 2 + (y - off[:, 1]) ** 2) / (2 * 3.0**2))
    return Made(spot[:, None].expand(-1, 3, -1, -1))


def phases(x: Tensor) -> Tensor:
    """Phase of the lowest frequency on each axis, `[B, 2]`: a shift adds to it."""
    spectrum = torch.fft.rfft2(torch.fft.ifftshift(x.mean(dim=1), dim=(1, 2)))
    return torch.stack([spectrum[:, 0, 1].angle(), spectrum[:, 1, 0].angle()], dim=1)


def test_translation_is_read_from_phases() -> None:
    scores = score(
        phases,
        blobs(300, seed=0),
        blobs(150, seed=1),
        family={"impl": "trans", "params": {"pixels": [-10.0, 10.0]}},
        borders=("canvas", "zeros"),
    )
    assert min(scores.values()) > 0.99


def test_the_protocols_weight_decay_reaches_its_regressor() -> None:
    family = {"impl": "rot", "params": {"degrees": [-45.0, 45.0]}}

    def found(weight_decay: float) -> float:
        scores = score(
            direction,
            gratings(200, seed=0),
            gratings(100, seed=1),
            family=family,
            weight_decay=weight_decay,
            epochs=6,
        )
        return scores["canvas"]

    assert found(0.0) > found(200.0) + 0.3
