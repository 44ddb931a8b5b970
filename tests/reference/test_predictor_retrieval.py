"""Retrieval by predicted representations, beside a plain rewriting and known results."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from eqspec.compile.types.plan import DataPlan, EvalPlan
from eqspec.errors import UsageError
from eqspec.evals.bench import Bench
from eqspec.evals.evaluate import compare, evaluate
from eqspec.evals.features import Subject
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.nn.readouts.retrieval import chance, errors, ranks_among_all, ranks_among_own
from tests.fake_predictor import FakePredictor
from tests.fakes import FakeImages

DATA = DataPlan(name="made", impl="made", params={}, split="train", count=0)
IMAGES, OTHERS = 60, 10


def plan() -> EvalPlan:
    return EvalPlan(
        id="p-0",
        name="p",
        impl="predictor_retrieval",
        rev=1,
        params={"others": OTHERS},
        data=DATA,
        steps=(),
    )


def measured(*, noise: float, task: str = "made", images: int = IMAGES) -> ResultSet:
    subject = Subject(encoder=lambda x: x, prefix=0, size=32, mean=(0, 0, 0), std=(1, 1, 1))
    predictor = FakePredictor(noise=noise, task=task)
    bench = Bench(subject, train=FakeImages(4), held_out=FakeImages(images), predictor=predictor)
    return evaluate(plan(), bench)


def values(found: ResultSet) -> dict[str, float]:
    return {one.name: one.value for one in found.measurements}


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- ranks and errors -----------------------------------------------------------------------------


def plain_ranks(predicted: Tensor, views: Tensor, *, everywhere: bool) -> list[list[int]]:
    """The rank of each view, one similarity at a time, in Python's numbers."""

    def cosine(a: list[float], b: list[float]) -> float:
        dot = sum(x * y for x, y in zip(a, b, strict=True))
        return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(y * y for y in b))

    found: list[list[int]] = []
    for i, of_image in enumerate(predicted.tolist()):
        among = [v for one in views.tolist() for v in one] if everywhere else views[i].tolist()
        ranks: list[int] = []
        for k, query in enumerate(of_image, start=1):
            right = cosine(query, views[i, k].tolist())
            ranks.append(1 + sum(cosine(query, other) > right + 1e-9 for other in among))
        found.append(ranks)
    return found


def test_ranks_are_those_of_a_plain_rewriting() -> None:
    views = normal(7, 6, 5, seed=1)
    predicted = views[:, 1:] + normal(7, 5, 5, seed=2)
    own, of_all = ranks_among_own(predicted, views), ranks_among_all(predicted, views)
    assert own.tolist() == plain_ranks(predicted, views, everywhere=False)
    assert of_all.tolist() == plain_ranks(predicted, views, everywhere=True)
    assert len(set(own.flatten().tolist())) > 3
    assert own.max() <= 6 < of_all.max()


def test_ranks_of_all_images_do_not_depend_on_the_size_of_tiles(monkeypatch) -> None:
    views, predicted = normal(7, 4, 5, seed=1), normal(7, 3, 5, seed=2)
    whole = ranks_among_all(predicted, views)
    monkeypatch.setattr("eqspec.nn.readouts.retrieval.TILE", 200)
    assert torch.equal(ranks_among_all(predicted, views), whole)


def test_equally_similar_views_count_against_the_prediction() -> None:
    views = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [-1.0, 0.0]]])
    predicted = torch.tensor([[[0.0, 1.0], [0.0, 1.0], [-1.0, 0.0]]])
    assert ranks_among_own(predicted, views).tolist() == [[2, 2, 1]]
    collapsed = torch.ones(1, 4, 2)
    assert ranks_among_own(torch.ones(1, 3, 2), collapsed).tolist() == [[4, 4, 4]]


def test_the_first_view_is_a_candidate() -> None:
    views = torch.tensor([[[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]])
    assert ranks_among_own(views[:, :1].expand(1, 2, 2), views).tolist() == [[2, 3]]


def test_errors_ignore_lengths_and_have_known_values() -> None:
    views = torch.tensor([[[9.0, 9.0], [2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]]])
    predicted = torch.tensor([[[5.0, 0.0], [1.0, 0.0], [1.0, 0.0]]])
    assert errors(predicted, views).flatten().tolist() == pytest.approx([0.0, 2.0, 4.0])


def test_chance_is_the_mean_of_reciprocal_ranks() -> None:
    assert chance(1) == 1
    assert chance(4) == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


# --- the evaluation -------------------------------------------------------------------------------


def test_a_perfect_predictor_finds_every_view() -> None:
    found = values(measured(noise=0.0))
    for name in ("mrr", "h1", "h5", "mrr_all", "h1_all", "h5_all"):
        assert found[name] == 1, name
    assert found["error"] == 0
    assert found["error_identity"] == pytest.approx(2, abs=0.1)


def test_a_predictor_of_noise_is_at_chance() -> None:
    result = measured(noise=1e4)
    found = values(result)
    each = IMAGES * OTHERS
    assert result.facts["chance_mrr"] == chance(OTHERS + 1)
    assert found["mrr"] == pytest.approx(chance(OTHERS + 1), abs=4 * 0.27 / math.sqrt(each))
    assert found["h1"] == pytest.approx(1 / 11, abs=4 * math.sqrt(10 / 11 / 11 / each))
    assert found["h5"] == pytest.approx(5 / 11, abs=4 * math.sqrt(5 * 6 / 121 / each))
    assert found["error"] == pytest.approx(2, abs=0.1)


def test_ignoring_the_action_has_the_ranks_after_the_first() -> None:
    found = values(measured(noise=0.3))
    ranks = range(2, OTHERS + 2)
    assert found["mrr_identity"] == pytest.approx(sum(1 / r for r in ranks) / OTHERS)
    assert found["h1_identity"] == 0
    assert found["h5_identity"] == pytest.approx(4 / OTHERS)


def test_intervals_hold_the_value_and_shrink_with_images() -> None:
    def width(images: int) -> float:
        one = next(m for m in measured(noise=1.0, images=images).measurements if m.name == "mrr")
        (over,) = (i for i in one.intervals if i.over == "images")
        assert over.low < one.value < over.high
        assert one.n == images
        return over.high - over.low

    assert width(400) < 0.6 * width(60)


def test_two_runs_are_compared_on_one_task_alone() -> None:
    better, worse = measured(noise=0.2), measured(noise=2.0)
    gaps = {m.name: m for m in compare(plan(), better, worse)}
    mrr = gaps["mrr_difference"]
    assert mrr.value == pytest.approx(values(better)["mrr"] - values(worse)["mrr"])
    assert all(one.low > 0 for one in mrr.intervals)
    assert all(one.high < 0 for one in gaps["error_difference"].intervals)
    assert compare(plan(), better, measured(noise=2.0, task="another")) == ()


def test_two_runs_are_compared_on_the_same_images_alone() -> None:
    a = measured(noise=0.2)
    other = replace(a, arrays={**a.arrays, "images": np.arange(IMAGES) + 1})
    with pytest.raises(UsageError, match="images differ"):
        compare(plan(), a, other)
