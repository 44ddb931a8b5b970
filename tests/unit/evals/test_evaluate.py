"""The r2 protocol through the plan: facts, groups, files and comparisons."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from eqspec.compile.types.plan import DataPlan, EvalPlan
from eqspec.errors import EqspecError, UsageError
from eqspec.evals.bench import Bench
from eqspec.evals.evaluate import compare, evaluate
from eqspec.evals.features import Subject
from eqspec.nn.readouts.measurement import Measurement, ResultSet
from eqspec.ops.find import find_transform
from eqspec.registry.cards import EvaluationCard, TransformCard
from eqspec.registry.catalog import open_catalog

PARAMS = {
    "families": {"trans": {"impl": "trans", "params": {"pixels": [-20.0, 20.0]}}},
    "borders": ["canvas"],
    "draws": 2,
    "train_pairs": 400,
    "heldout_pairs": 60,
    "hidden": [16],
    "epochs": 4,
    "batch": 32,
    "lr": 1e-2,
    "seeds": 2,
}


@dataclass(frozen=True)
class Spots:
    """A bright spot near the centre; five images per photograph."""

    count: int

    @property
    def sources(self) -> np.ndarray:
        return np.arange(self.count) // 5

    def __len__(self) -> int:
        return self.count

    def image(self, i: int, /) -> np.ndarray:
        axis = np.arange(24) - 11.5
        spot = 200 * np.exp(-((axis[:, None] - i % 3) ** 2 + (axis - i % 2) ** 2) / 8)
        return np.repeat(spot[:, :, None], 3, axis=2).astype(np.uint8)


def subject(*, noise: float = 0.0) -> Subject:
    """An encoder of where the spot is, and how much noise stands beside it."""

    def encoder(images: Tensor) -> Tensor:
        grey = images.mean(dim=1)
        axis = torch.arange(16.0)
        total = grey.sum(dim=(1, 2))
        at = torch.stack([(grey.sum(1) * axis).sum(1), (grey.sum(2) * axis).sum(1)], dim=1)
        at = at / total[:, None]
        unrelated = (1e4 * at).sin() * noise
        return (at + unrelated)[:, None]

    return Subject(
        encoder=encoder,
        prefix=0,
        size=16,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        embedding=lambda tokens: torch.cat([tokens * 0, tokens], dim=2),
        split=(2, 2),
    )


def plan(**changed) -> EvalPlan:
    data = DataPlan(name="spots", impl="spots", params={}, split="train", count=200)
    return EvalPlan(
        id="abc", name="r2", impl="r2", rev=1, params=PARAMS | changed, data=data, steps=()
    )


@pytest.fixture(scope="module")
def clean() -> ResultSet:
    return evaluate(plan(), Bench(subject(), train=Spots(200), held_out=Spots(60)))


@pytest.fixture(scope="module")
def noisy() -> ResultSet:
    return evaluate(plan(), Bench(subject(noise=2.0), train=Spots(200), held_out=Spots(60)))


def pick(
    results: ResultSet | tuple[Measurement, ...], name: str, *, row: str = "encoder", **group: str
) -> Measurement:
    measured = results if isinstance(results, tuple) else results.measurements
    (found,) = (
        m
        for m in measured
        if (m.name, m.row) == (name, row) and group.items() <= dict(m.group).items()
    )
    return found


def test_facts_say_on_how_much_it_was_measured(clean: ResultSet) -> None:
    assert clean.facts == {
        "evaluation": "abc",
        "rev": 1,
        "train_images": 200,
        "train_pairs": 400,
        "heldout_images": 60,
        "heldout_pairs": 60,
        "heldout_sources": 12,
        "regressor_seeds": 2,
        "resamples": 1000,
    }


def test_rows_and_both_intervals_are_labelled(clean: ResultSet) -> None:
    measured = [m for m in clean.measurements if m.name == "r2"]
    assert [m.key for m in measured] == [
        ("r2", row, (("family", "trans"), ("border", "canvas")))
        for row in ("encoder", "z_inv", "z_equi")
    ]
    assert {m.n for m in measured} == {60}
    assert [[i.over for i in m.intervals] for m in measured] == [["images", "sources"]] * 3
    assert all(i.low <= m.value <= i.high for m in measured for i in m.intervals)


def test_what_is_in_the_features_is_read_and_nothing_else(clean: ResultSet) -> None:
    assert pick(clean, "r2", row="encoder").value > 0.8
    assert pick(clean, "r2", row="z_equi").value > 0.8
    assert abs(pick(clean, "r2", row="z_inv").value) < 0.1


def test_aggregations_belong_together(clean: ResultSet) -> None:
    value = pick(clean, "r2", row="encoder").value
    each = [
        pick(clean, "r2_parameter", row="encoder", parameter=name).value for name in ("tx", "ty")
    ]
    assert value == pytest.approx(np.mean(each))
    for name in ("r2_constant", "r2_weighted_constant"):
        assert pick(clean, name, row="encoder").value == pytest.approx(0, abs=1e-12)
    assert pick(clean, "r2_seed_spread", row="encoder").value > 0


def test_it_is_the_same_twice(clean: ResultSet) -> None:
    again = evaluate(plan(), Bench(subject(), train=Spots(200), held_out=Spots(60)))
    assert again.measurements == clean.measurements


def test_the_difference_is_paired(clean: ResultSet, noisy: ResultSet) -> None:
    gap = pick(compare(plan(), clean, noisy), "r2_difference", row="encoder")
    a, b = (pick(r, "r2", row="encoder") for r in (clean, noisy))
    assert gap.value == pytest.approx(a.value - b.value, abs=1e-6)
    assert all(0 < i.low < gap.value < i.high for i in gap.intervals)
    same = compare(plan(), clean, clean)
    assert all(m.value == i.low == i.high == 0 for m in same for i in m.intervals)


def test_results_on_other_images_cannot_be_compared(clean: ResultSet) -> None:
    other = evaluate(plan(), Bench(subject(), train=Spots(200), held_out=Spots(40)))
    with pytest.raises(UsageError, match="cannot be compared: their images differ"):
        compare(plan(), clean, other)


def test_a_parameter_that_never_changes_is_left_out() -> None:
    colour = {"impl": "color", "params": {"brightness": [-0.4, 0.4]}}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = evaluate(
            plan(families={"color": colour}, rows=["encoder"]),
            Bench(subject(), train=Spots(40), held_out=Spots(20)),
        )
    assert any("have no variance" in str(w.message) for w in caught)
    assert np.isnan(pick(found, "r2_parameter", parameter="hue").value)
    brightness = pick(found, "r2_parameter", parameter="brightness").value
    assert pick(found, "r2").value == pytest.approx(brightness)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(EqspecError, match="at least 2 training images"):
        evaluate(plan(), Bench(subject(), train=Spots(200), held_out=Spots(1)))


def test_one_photograph_has_no_interval_over_photographs() -> None:
    found = evaluate(plan(rows=["encoder"]), Bench(subject(), train=Spots(40), held_out=Spots(5)))
    assert [i.over for i in pick(found, "r2").intervals] == ["images"]


def test_the_card_states_the_papers_ranges() -> None:
    catalog = open_catalog()
    card = catalog.card(EvaluationCard, "r2").model
    families = {}
    for name, family in card.params["families"].items():
        transform = catalog.card(TransformCard, family["use"]).model
        op = find_transform(transform.impl)
        families[name] = op.ranges(op.Params.model_validate(transform.params), size=224)
    colour = ((-0.4, 0.4),) * 3
    assert families == {
        "rot": ((-45, 45),),
        "color": (*colour, (-0.1, 0.1)),
        "blur": ((0.1, 2),),
        "trans": ((-10, 10),) * 2,
        "se2": ((-45, 45), (-10, 10), (-10, 10)),
    }
    assert card.params["borders"] == ["reflect", "zeros", "canvas"]


@pytest.mark.parametrize(("batch", "short"), [(32, False), (401, True)])
def test_a_protocol_that_asks_for_more_pairs_than_there_are_is_in_the_facts(
    batch: int, short: bool
) -> None:
    found = evaluate(
        plan(rows=["encoder"], batch=batch),
        Bench(subject(), train=Spots(200), held_out=Spots(20)),
    )
    sentence = "a batch of 401 is more than the 400 training pairs: each epoch is a single step"
    assert found.facts.get("caveats") == ([sentence] if short else None)
