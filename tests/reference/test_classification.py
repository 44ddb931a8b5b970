"""Tests of nearest neighbours and linear probes on features with known results."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from eqspec.nn.random.philox import Draws
from eqspec.nn.random.source_slice import in_slice
from eqspec.nn.readouts.accuracy import accuracies
from eqspec.nn.readouts.feature_matrix import FeatureMatrix
from eqspec.nn.readouts.fitting import Fitting
from eqspec.nn.readouts.image_features import ImageFeatures
from eqspec.nn.readouts.linear_classifiers import fit_classifiers
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.nn.readouts.nearest_neighbours import vote
from eqspec.ops.find import find_evaluation

NEIGHBOURS = {"k": [20, 10], "temperature": 0.07}
PROBE = {"lrs": [1e-3, 1e-2, 1e-1], "slice": 0.1, "epochs": 6, "batch": 250}


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@dataclass(frozen=True)
class Given:
    """A bench whose features are given."""

    train: ImageFeatures
    held_out: ImageFeatures

    def features(self, split: str, *, limit: int | None) -> ImageFeatures:
        found = self.train if split == "train" else self.held_out
        return found if limit is None else found.taken(np.arange(min(limit, len(found.images))))


def images(x_ND: Tensor, labels: np.ndarray) -> ImageFeatures:
    at = np.arange(len(labels))
    names = tuple(map(str, range(int(labels.max()) + 1)))
    return ImageFeatures({"encoder": FeatureMatrix.of(x_ND)}, labels, names, at, at)


def gaussians(n: int, *, classes: int, apart: float, seed: int) -> ImageFeatures:
    """Isotropic classes around corners of a simplex, every two of them `apart`."""
    labels = np.arange(n) % classes
    x_ND = normal(n, 16, seed=seed)
    x_ND[torch.arange(n), torch.from_numpy(labels)] += apart / math.sqrt(2)
    return images(x_ND, labels)


def evaluated(name: str, params: dict, train: ImageFeatures, held_out: ImageFeatures) -> ResultSet:
    op = find_evaluation(name)
    return op.build(op.Params.model_validate(params)).run(Given(train, held_out))


def value(result: ResultSet, name: str, **group: str) -> float:
    found = [
        m for m in result.measurements if m.name == name and group.items() <= dict(m.group).items()
    ]
    assert len(found) == 1
    return found[0].value


BOTH = pytest.mark.parametrize(
    ("name", "params", "group"),
    [("knn", NEIGHBOURS, {"k": "20"}), ("linear_probe", PROBE, {})],
    ids=["knn", "linear_probe"],
)


def test_a_probe_reaches_the_best_possible_accuracy_of_two_gaussians() -> None:
    train = gaussians(2000, classes=2, apart=2.0, seed=0)
    held = gaussians(2000, classes=2, apart=2.0, seed=1)
    best = 0.5 * (1 + math.erf(1 / math.sqrt(2)))  # Φ(apart / 2)
    deviation = math.sqrt(best * (1 - best) / 2000)
    found = value(evaluated("linear_probe", PROBE, train, held), "top1")
    assert best - 3 * deviation - 0.005 < found < best + 3 * deviation


@BOTH
def test_permuted_labels_leave_chance(name: str, params: dict, group: dict) -> None:
    train = gaussians(1000, classes=4, apart=6.0, seed=0)
    held = gaussians(1000, classes=4, apart=6.0, seed=1)
    assert value(evaluated(name, params, train, held), "top1", **group) > 0.98
    mixed = [
        images(x.rows["encoder"].whole(), x.labels[Draws(seed).order(epoch=0, count=1000)])
        for seed, x in enumerate((train, held))
    ]
    chance = value(evaluated(name, params, *mixed), "top1", **group)
    assert chance == pytest.approx(0.25, abs=3 * math.sqrt(0.25 * 0.75 / 1000))


@BOTH
def test_a_rare_class_counts_as_much_as_a_common_one(name: str, params: dict, group: dict) -> None:
    labels = (np.arange(1000) % 10 == 0).astype(np.int64)
    nothing = images(torch.ones(1000, 4) + 1e-3 * normal(1000, 4, seed=0), labels)
    found = evaluated(name, params, nothing, nothing)
    assert value(found, "top1", **group) == pytest.approx(0.9, abs=0.01)
    assert value(found, "mean_per_class", **group) == pytest.approx(0.5, abs=0.02)
    if name == "linear_probe":
        assert value(found, "majority") == 0.9


@BOTH
def test_seven_images_are_enough(name: str, params: dict, group: dict) -> None:
    few = gaussians(7, classes=2, apart=9.0, seed=0)
    found = evaluated(name, params, few, few)
    (interval,) = next(m.intervals for m in found.measurements if m.name == "top1")
    assert 0 <= interval.low <= value(found, "top1", **group) <= interval.high <= 1


@BOTH
def test_differences_are_paired_and_refuse_other_images(
    name: str, params: dict, group: dict
) -> None:
    op = find_evaluation(name)
    train = gaussians(400, classes=2, apart=3.0, seed=0)
    held = gaussians(400, classes=2, apart=3.0, seed=1)
    noisy = images(held.rows["encoder"].whole() + 3 * normal(400, 16, seed=2), held.labels)
    a, b = evaluated(name, params, train, held), evaluated(name, params, train, noisy)
    gap = next(
        m
        for m in op.difference(a, b)
        if m.name == "top1_difference" and group.items() <= dict(m.group).items()
    )
    expected = value(a, "top1", **group) - value(b, "top1", **group)
    assert gap.value == pytest.approx(expected)
    (interval,) = gap.intervals
    assert 0 < interval.low < gap.value < interval.high
    same = op.difference(a, a)
    assert all(m.value == i.low == i.high == 0 for m in same for i in m.intervals)
    fewer = evaluated(name, params, train, held.taken(np.arange(399)))
    with pytest.raises(Exception, match="cannot be compared: their images differ"):
        op.difference(a, fewer)


# --- nearest neighbours ---------------------------------------------------------------------------


def test_the_nearest_neighbour_of_a_training_image_is_itself() -> None:
    x_ND, labels = normal(200, 8, seed=0), torch.arange(200) % 5
    same = FeatureMatrix.of(x_ND)
    predicted = vote(same, labels, same, ks=(1,), temperature=0.07)
    assert torch.equal(predicted[0], labels)


def test_blocks_of_training_images_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    train = gaussians(700, classes=5, apart=1.0, seed=0)
    held = gaussians(90, classes=5, apart=1.0, seed=1)

    def voted() -> Tensor:
        labels = torch.from_numpy(train.labels)
        x, y = train.rows["encoder"], held.rows["encoder"]
        return vote(x, labels, y, ks=(10, 200), temperature=0.07)

    whole = voted()
    monkeypatch.setattr("eqspec.nn.readouts.nearest_neighbours.BLOCK", 64)
    assert torch.equal(voted(), whole)


def test_neighbours_equal_those_of_sklearn() -> None:
    train = gaussians(600, classes=5, apart=2.0, seed=0)
    held = gaussians(300, classes=5, apart=2.0, seed=1)
    x, y = train.rows["encoder"].whole(), held.rows["encoder"].whole()
    voting, asked = FeatureMatrix.of(x), FeatureMatrix.of(y)
    predicted = vote(voting, torch.from_numpy(train.labels), asked, ks=(10, 20), temperature=0.07)
    for k, ours in zip((10, 20), predicted, strict=True):
        theirs = KNeighborsClassifier(
            n_neighbors=k, metric="cosine", weights=lambda d: np.exp((1 - d) / 0.07)
        )
        theirs.fit(x.double().numpy(), train.labels)
        np.testing.assert_array_equal(ours.numpy(), theirs.predict(y.double().numpy()))


def test_more_neighbours_than_images_are_all_images() -> None:
    x_ND, labels = normal(12, 4, seed=0), torch.arange(12) % 3
    asked = FeatureMatrix.of(normal(9, 4, seed=1))
    few, all_ = vote(FeatureMatrix.of(x_ND), labels, asked, ks=(12, 500), temperature=0.5)
    assert torch.equal(few, all_)


def test_equal_votes_go_to_the_lowest_class() -> None:
    x_ND = torch.eye(2)
    voting, asked = FeatureMatrix.of(x_ND), FeatureMatrix.of(torch.ones(1, 2))
    predicted = vote(voting, torch.tensor([1, 0]), asked, ks=(2,), temperature=0.07)
    assert predicted.tolist() == [[0]]


def test_small_temperatures_overflow_nothing() -> None:
    x_ND = normal(50, 4, seed=0)
    same = FeatureMatrix.of(x_ND)
    predicted = vote(same, torch.arange(50), same, ks=(20,), temperature=1e-4)
    assert torch.equal(predicted[0], torch.arange(50))


# --- linear probe ---------------------------------------------------------------------------------


def test_a_long_training_finds_the_coefficients_of_sklearn() -> None:
    data = gaussians(600, classes=3, apart=1.5, seed=0)
    x_ND, labels = data.rows["encoder"].whole()[:, :6].contiguous(), torch.from_numpy(data.labels)
    fitting = Fitting(epochs=300, batch=600, weight_decay=0.0)
    x = FeatureMatrix.of(x_ND)
    ours = fit_classifiers(x, labels, classes=3, lrs=(0.05,), fitting=fitting)
    theirs = LogisticRegression(C=1e9, tol=1e-10, max_iter=5000).fit(x_ND.numpy(), data.labels)
    weights_CD = ours.weights[:, 0].T.numpy()
    weights_CD = weights_CD - weights_CD.mean(axis=0)  # softmax does not see a common shift
    expected = theirs.coef_ - theirs.coef_.mean(axis=0)
    np.testing.assert_allclose(weights_CD, expected, atol=1e-3)
    np.testing.assert_array_equal(ours.classify(x)[0].numpy(), theirs.predict(x_ND.numpy()))


def test_rates_trained_at_once_equal_rates_trained_alone() -> None:
    data = gaussians(300, classes=3, apart=1.5, seed=0)
    x_ND, labels = data.rows["encoder"].whole(), torch.from_numpy(data.labels)

    def fitted(*lrs: float) -> Tensor:
        fitting = Fitting(epochs=3, batch=64, weight_decay=0.01)
        x = FeatureMatrix.of(x_ND)
        return fit_classifiers(x, labels, classes=3, lrs=lrs, fitting=fitting).weights

    together = fitted(1e-3, 1e-2, 1e-1)
    for at, lr in enumerate((1e-3, 1e-2, 1e-1)):
        torch.testing.assert_close(together[:, at], fitted(lr)[:, 0], rtol=1e-4, atol=1e-5)


def test_the_rate_is_chosen_on_training_images_alone() -> None:
    """Held-out labels decide nothing: with any others, the same rate is chosen."""
    train = gaussians(400, classes=2, apart=2.0, seed=0)
    held = gaussians(200, classes=2, apart=2.0, seed=1)
    other = images(held.rows["encoder"].whole(), 1 - held.labels)
    found, flipped = (evaluated("linear_probe", PROBE, train, h) for h in (held, other))
    assert found.facts["lr"] == flipped.facts["lr"]
    assert found.facts["slice_top1"] == flipped.facts["slice_top1"]
    assert value(found, "top1") == pytest.approx(1 - value(flipped, "top1"))
    assert set(found.facts["slice_top1"]["encoder"]) == {"0.001", "0.01", "0.1"}


def test_a_rate_that_learns_nothing_is_not_chosen() -> None:
    train = gaussians(800, classes=4, apart=4.0, seed=0)
    found = evaluated("linear_probe", PROBE | {"lrs": [1e-9, 1e-2]}, train, train)
    assert found.facts["lr"] == {"encoder": 1e-2}


def test_a_file_is_on_one_side_of_the_slice() -> None:
    sources = np.repeat(np.arange(40), 5)
    chosen = in_slice(sources, share=0.1)
    assert chosen.sum() == 20
    assert not set(sources[chosen]) & set(sources[~chosen])
    assert in_slice(np.array([3, 9]), share=0.01).sum() == 1
    assert in_slice(np.array([3, 9]), share=0.99).sum() == 1


# --- accuracies -----------------------------------------------------------------------------------


def test_accuracies_by_hand() -> None:
    labels = np.array([0, 0, 0, 2, 2, 5])
    right = np.array([True, True, False, True, False, False])
    top1, per_class = accuracies(right, labels)
    assert top1 == pytest.approx(3 / 6)
    assert per_class == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


def test_intervals_have_the_width_of_a_binomial() -> None:
    held = gaussians(2000, classes=2, apart=0.0, seed=1)
    found = evaluated("knn", NEIGHBOURS, gaussians(400, classes=2, apart=0.0, seed=0), held)
    (top1,) = next(m.intervals for m in found.measurements if m.name == "top1")
    assert top1.high - top1.low == pytest.approx(2 * 1.96 * 0.5 / math.sqrt(2000), rel=0.1)
