"""Every evaluation op states what tables show of it, and reports what it states."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from eqspec.compile.types.plan import DataPlan, EvalPlan
from eqspec.evals.bench import Bench
from eqspec.evals.evaluate import compare, evaluate, summary
from eqspec.evals.features import Subject
from eqspec.ops.find import find_evaluation, op_names
from tests.fake_predictor import FakePredictor
from tests.fakes import FakeFineTuned, FakeImages

EACH = pytest.mark.parametrize("name", op_names("evaluations"))


def plan(name: str) -> EvalPlan:
    data = DataPlan(name="made", impl="made", params={}, split="train", count=20)
    params = dict(find_evaluation(name).example)
    return EvalPlan(id=name, name=name, impl=name, rev=1, params=params, data=data, steps=())


def bench(name: str, *, scale: float = 1.0) -> Bench | FakeFineTuned:
    if find_evaluation(name).trains:
        return FakeFineTuned(FakeImages(20), FakeImages(12), every=round(3 * scale))

    def encoder(images: Tensor) -> Tensor:
        pooled = torch.nn.functional.avg_pool2d(scale * images.sin(), 8)
        return pooled.flatten(2).transpose(1, 2)

    subject = Subject(encoder=encoder, prefix=0, size=32, mean=(0, 0, 0), std=(1, 1, 1))
    predictor = FakePredictor(noise=0.1 * scale)
    return Bench(subject, train=FakeImages(20), held_out=FakeImages(12), predictor=predictor)


@EACH
def test_an_op_states_its_contract(name: str) -> None:
    op = find_evaluation(name)
    assert op.rev >= 1
    assert isinstance(op.needs_labels, bool)
    assert op.summary.title
    assert op.summary.metrics


@EACH
def test_summary_metrics_are_reported(name: str) -> None:
    shown, result = summary(plan(name)), evaluate(plan(name), bench(name))
    for metric in shown.metrics:
        found = [m for m in result.measurements if m.name == metric]
        assert found, metric
        assert all(m.row == "encoder" for m in found)
        assert all(m.of(key) is not None for m in found for key in shown.by)
    assert result.measurements[0].name in {*shown.metrics, "majority"}
    assert {"heldout_images", "heldout_sources"} <= set(result.facts)


@EACH
def test_differences_are_called_after_their_metrics(name: str) -> None:
    shown = summary(plan(name))
    a, b = (evaluate(plan(name), bench(name, scale=scale)) for scale in (1.0, 3.0))
    gaps = compare(plan(name), a, b)
    assert {m.name for m in gaps} == {f"{metric}_difference" for metric in shown.metrics}
    values = {m.key: m.value for m in a.measurements}
    below = {m.key: m.value for m in b.measurements}
    for gap in gaps:
        key = gap.metric, gap.row, gap.group
        assert gap.value == pytest.approx(values[key] - below[key], abs=1e-6)


@EACH
def test_it_is_the_same_twice(name: str) -> None:
    a, b = evaluate(plan(name), bench(name)), evaluate(plan(name), bench(name))
    assert a.measurements == b.measurements
    for key, array in a.arrays.items():
        np.testing.assert_array_equal(array, b.arrays[key])
