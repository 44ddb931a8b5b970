"""A graph whose encoder is frozen: only its heads are trained, and micro-batches stay exact."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from eqspec.build.graph.training_graph import TrainGraph
from eqspec.compile.fine_tune import FineTuneData, fine_tune_plan
from eqspec.compile.types.plan import DataPlan, EvalPlan, Plan
from eqspec.engine.backward import backward
from eqspec.errors import SpecError
from eqspec.registry.catalog import open_catalog
from tests.graphs import Case, gradients
from tests.toy_specs import toy_plan

RATES = (0.1, 0.01)


def child(**changed) -> Plan:
    """The plan of a linear probe of a toy encoder, on 40 images of four classes."""
    params = {"lrs": list(RATES), "mean_patch": [False, True], "length": "4 steps", "batch": 8}
    data = DataPlan(name="image-folder", impl="image_folder", params={}, split="train", count=40)
    evaluation = EvalPlan(
        id="probe-1",
        name="probe",
        impl="linear_probe_images",
        rev=1,
        params=params | changed,
        data=data,
        steps=(),
    )
    known = FineTuneData(images=40, classes=4)
    return fine_tune_plan(
        toy_plan("vicreg"), evaluation, data=known, init=None, catalog=open_catalog()
    )


CASE = Case(child().graph, dtype=torch.float64)


def streams() -> dict[str, torch.Tensor]:
    return {**CASE.streams(), "labels": torch.arange(CASE.batch) % 4}


def trained(graph: TrainGraph, *, micro_batches: int = 1) -> dict[str, torch.Tensor]:
    found = backward(
        graph, streams(), CASE.controls(), micro_batches=micro_batches, norms=micro_batches == 1
    )
    assert found.cut_norms == {}
    return gradients(graph)


def test_only_the_classifiers_get_a_gradient() -> None:
    graph = CASE.graph()
    assert {name.split(".")[0] for name, _ in graph.trained()} == {"probe"}
    assert all("probe" in name for name in trained(graph))
    assert graph.train().training
    assert not graph.encoder().training


def test_micro_batches_change_no_gradient() -> None:
    whole, pieces = trained(CASE.graph()), trained(CASE.graph(), micro_batches=2)
    assert whole.keys() == pieces.keys()
    for name, slope in whole.items():
        torch.testing.assert_close(pieces[name], slope, rtol=1e-12, atol=1e-14)


def test_each_classifier_takes_the_step_that_it_would_take_alone() -> None:
    graph = CASE.graph()
    found = trained(graph)
    probe = graph.students["probe"]
    with torch.no_grad():
        tokens = graph.encode(streams())["tokens"][0]
    features = torch.cat([tokens[:, 0], tokens[:, 1:].mean(dim=1)], dim=1)
    for rate in range(len(RATES)):
        head = probe.get_submodule(f"rate_{rate}")[1]
        head.zero_grad()
        functional.cross_entropy(head(features), streams()["labels"]).backward()
        (name,) = (n for n in found if n.endswith(f"rate_{rate}.1.weight"))
        torch.testing.assert_close(found[name], head.weight.grad)


def test_every_classifier_has_its_own_rate() -> None:
    rules = {rule.match: rule.lr_scale for rule in child().train.rules}
    assert rules == {("probe.rate_0",): 1.0, ("probe.rate_1",): pytest.approx(0.1)}
    assert child().train.optimizer.impl == "sgd"
    assert child().train.steps == 4


def test_the_slice_is_held_back_only_where_the_choice_is_made_on_it() -> None:
    assert child().data.held_back == 0.1
    assert child(select="held-out").data.held_back == 0.0


def test_a_batch_of_more_images_than_there_are_is_refused() -> None:
    with pytest.raises(SpecError) as refused:
        child(batch=64)
    assert "a batch of 64 does not fit into 40 training images" in str(refused.value)
