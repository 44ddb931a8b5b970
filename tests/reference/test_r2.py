"""R², its regressor and its pairs, on inputs whose answer is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score
from torch import Tensor

from eqspec.compile.plan import DataPlan, EvalPlan
from eqspec.evals.evaluate import compare, evaluate
from eqspec.evals.features import Subject
from eqspec.nn.regression import Regression, fit_predict
from eqspec.nn.scores import Result, constant_r2, interval, r2, resample, resampled_r2

SIZE, SIDE = 32, 48
DATA = DataPlan(name="made", impl="made", params={}, split="train", count=0)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def uniform(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


# --- metrics ------------------------------------------------------------------------------------


def test_every_aggregation_equals_scikit_learn() -> None:
    targets = normal(200, 4, seed=0).numpy() * np.array([1, 3, 0.2, 10]) + np.array([0, 5, 1, -2])
    predicted = targets + normal(200, 4, seed=1).numpy() * np.array([0.5, 1, 0.3, 4])
    ours = r2((predicted - targets) ** 2, targets)
    for how, value in (
        ("raw_values", ours.per_parameter),
        ("uniform_average", ours.uniform),
        ("variance_weighted", ours.weighted),
    ):
        np.testing.assert_allclose(value, r2_score(targets, predicted, multioutput=how), rtol=1e-12)


def test_pooled_equals_the_worked_example_of_sie() -> None:
    targets = np.array([[0.5, 10], [1, 12], [1.5, 12], [3, 13]])
    predicted = np.array([[0, 10], [1, 11], [2, 13], [3, 12]])
    ours = r2((predicted - targets) ** 2, targets)
    assert ours.pooled == pytest.approx(0.9839725, abs=1e-7)
    np.testing.assert_allclose(ours.per_parameter, [0.857143, 0.368421], atol=1e-6)
    assert ours.uniform == pytest.approx(0.612782, abs=1e-6)


def test_a_constant_predictor_scores_82_percent_pooled_on_colour_factors() -> None:
    grid = torch.linspace(-1, 1, 20_001, dtype=torch.float64)
    orders = [torch.randperm(len(grid), generator=torch.Generator().manual_seed(i)) for i in range(4)]
    deltas = torch.stack([grid[o] for o in orders], dim=1).numpy() * np.array([0.4, 0.4, 0.4, 0.1])
    on_factors, on_deltas = constant_r2(deltas + np.array([1, 1, 1, 0])), constant_r2(deltas)
    assert on_factors.pooled == pytest.approx(0.8212, abs=1e-4)
    for score in (on_factors.uniform, on_factors.weighted, on_deltas.uniform, on_deltas.pooled):
        assert score == pytest.approx(0, abs=1e-9)


def test_a_parameter_without_variance_is_dropped_with_a_warning() -> None:
    targets = np.stack([np.arange(5.0), np.full(5, 2.0)], axis=1)
    with pytest.warns(UserWarning, match=r"\[1\] have no variance"):
        ours = r2(np.full((5, 2), 0.5), targets)
    assert math.isnan(ours.per_parameter[1])
    assert ours.uniform == ours.per_parameter[0] == pytest.approx(0.75)


def test_resampled_r2_equals_a_loop_over_copied_samples() -> None:
    targets, errors = normal(40, 3, seed=0).numpy(), normal(40, 3, seed=1).numpy() ** 2
    times = resample(np.arange(40) // 4, resamples=1000, op="test")
    assert (times.reshape(1000, 10, 4) == times.reshape(1000, 10, 4)[:, :, :1]).all()
    assert (times.sum(axis=1) == 40).all()
    ours = resampled_r2(times, errors, targets)
    for i in range(5):
        copies = np.repeat(np.arange(40), times[i].astype(int))
        assert ours[i] == pytest.approx(r2(errors[copies], targets[copies]).uniform, abs=1e-6)


def test_the_interval_covers_the_true_value_about_95_times_in_100() -> None:
    covered, n = 0, 150
    for i in range(200):
        targets = uniform(n, 1, seed=i).numpy() * 2 - 1
        errors = normal(n, 1, seed=1000 + i).numpy() ** 2 / 6
        low, high = interval(
            resampled_r2(resample(np.arange(n), resamples=1000, op=f"test.{i}"), errors, targets)
        )
        covered += low <= 0.5 <= high
    assert 180 <= covered <= 198


# --- the regressor --------------------------------------------------------------------------------


def regression(*, epochs: int = 20, seeds: int = 1) -> Regression:
    return Regression(hidden=(64, 64), epochs=epochs, batch=256, lr=3e-3, weight_decay=0.0, seeds=seeds)


def held_out_r2(features: Tensor, targets: Tensor, *, settings: Regression) -> float:
    half = len(features) // 2
    predicted = fit_predict(features[:half], targets[:half], features[half:], settings=settings)
    errors = (predicted.mean(dim=0) - targets[half:]).square()
    return r2(errors.numpy(), targets[half:].numpy()).uniform


def test_linear_features_are_read_almost_perfectly() -> None:
    targets = uniform(8000, 2, seed=0) * 2 - 1
    features = targets @ normal(2, 16, seed=1) + 1e-3 * normal(8000, 16, seed=2)
    assert held_out_r2(features, targets, settings=regression(epochs=60)) >= 0.999


def test_noise_as_strong_as_the_signal_leaves_half_of_the_variance() -> None:
    targets = normal(20_000, 1, seed=0)
    features = targets + normal(20_000, 1, seed=1)
    assert held_out_r2(features, targets, settings=regression(epochs=5)) == pytest.approx(0.5, abs=0.02)


def test_permuted_labels_cannot_be_read() -> None:
    targets = uniform(20_000, 2, seed=0) * 2 - 1
    features = targets.roll(7, dims=0) @ normal(2, 4, seed=1) + 0.1 * normal(20_000, 4, seed=2)
    assert -0.1 <= held_out_r2(features, targets, settings=regression(epochs=5)) <= 0.02


def test_seeds_trained_at_once_equal_seeds_trained_alone() -> None:
    targets = uniform(600, 2, seed=0)
    features = targets @ normal(2, 8, seed=1)
    together = fit_predict(features, targets, features, settings=regression(epochs=2, seeds=3))
    fewer = fit_predict(features, targets, features, settings=regression(epochs=2, seeds=1))
    torch.testing.assert_close(together[:1], fewer, rtol=1e-4, atol=1e-5)
    assert (together[0] - together[1]).abs().max() > 1e-3


def test_a_dead_feature_is_not_blown_up_into_a_signal() -> None:
    targets = uniform(4000, 1, seed=0) * 2 - 1
    features = torch.cat([normal(4000, 3, seed=1), 1 + 1e-6 * targets], dim=1)
    assert abs(held_out_r2(features, targets, settings=regression(epochs=5))) < 0.05


# --- the protocol on encoders that can or cannot know ------------------------------------------------


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


def score(encoder, train: Made, held_out: Made, *, family: dict, borders=("canvas",), **params) -> dict:
    """R² by border."""
    numbers = {
        "families": {"g": family},
        "borders": borders,
        "draws": 4,
        "heldout_draws": 2,
        "train_pairs": 100_000,
        "heldout_pairs": 10_000,
        "hidden": [128, 128],
        "epochs": 20,
        "batch": 128,
        "lr": 2e-3,
        "seeds": 1,
    } | params
    plan = EvalPlan(id="0", name="r2", impl="r2", rev=1, params=numbers, data=DATA, steps=())
    result = evaluate(plan, subject(encoder), train=train, held_out=held_out)
    return {
        m.of("border"): m.value
        for m in result.metrics
        if m.name == "r2" and m.of("interval") == "crops"
    }


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
        epochs=10,
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
    at = torch.fft.rfft2(grey, s=(256, 256)).abs().flatten(1).argmax(dim=1)
    row, column = at // 129, at % 129
    angle = torch.atan2((row + 128) % 256 - 128.0, column.to(torch.float32))
    return torch.stack([(2 * angle).cos(), (2 * angle).sin()], dim=1)


def test_the_direction_of_a_grating_tells_its_rotation() -> None:
    scores = score(
        direction,
        gratings(400, seed=0),
        gratings(150, seed=10),
        family={"impl": "rot", "params": {"degrees": [-45.0, 45.0]}},
    )
    assert scores["canvas"] > 0.95


def test_high_frequencies_tell_the_blur() -> None:
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


def test_phases_tell_the_translation() -> None:
    scores = score(
        phases,
        blobs(400, seed=0),
        blobs(150, seed=1),
        family={"impl": "trans", "params": {"pixels": [-10.0, 10.0]}},
        borders=("canvas", "zeros", "reflect"),
        epochs=30,
    )
    assert min(scores.values()) > 0.99


def test_a_result_survives_json_and_compares_with_itself_as_equal() -> None:
    assert Result and compare  # replaced below once the protocol's shape is settled
