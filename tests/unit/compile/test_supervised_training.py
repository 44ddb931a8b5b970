"""The training of a supervised ceiling: pairs, parameters and loss are those of the benchmark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from eqspec.build.views.on_device import DeviceViews, ViewBatch
from eqspec.compile.evaluation_stages import fine_tuning, stages_of, trained_states, trains
from eqspec.compile.fine_tune import FineTuneData, fine_tune_plan, parts
from eqspec.compile.types.plan import Plan
from eqspec.compile.types.stages import FeaturesStage, FineTuneStage, ReadoutStage
from eqspec.errors import SpecError
from eqspec.evals.one_batch import one_batch
from eqspec.evals.pairs import canvas, canvas_side, centre, prepared
from eqspec.ops.evaluations.r2 import Params, example
from eqspec.ops.op import OpCall
from eqspec.spec.load import parse_spec
from tests.fakes import FakeImages
from tests.graphs import Case
from tests.toy_sizes import CATALOG
from tests.toy_specs import BACKBONE, SMALL, load_toy, plan_of, toy_text

CEILING = (
    "{use: r2-supervised, at: end, with: {hidden: [24], families: {%s: %s}, borders: [%s], "
    "supervised.length: 10 steps, supervised.batch: 12}}"
)
IMAGES = FakeImages(12, height=90, width=70)
MAPS = {
    "rot": ("{use: rot}", [(-45.0, 45.0)]),
    "trans": ("{impl: trans, params: {pixels: [-3, 3], at: 32}}", [(-3.0, 3.0)] * 2),
    "color": ("{use: color}", [(-0.4, 0.4)] * 3 + [(-0.1, 0.1)]),
    "blur": ("{impl: blur, params: {sigma: [0.1, 2.0], at: 32}}", [(0.1, 2.0)]),
}
"""Family → how a spec writes it, and its ranges at 32 px."""


def parent(*, family: str = "rot", border: str = "canvas", image: int = 32) -> Plan:
    written = CEILING % (family, MAPS[family][0], border)
    patch = BACKBONE.replace("patch: 8", f"patch: {8 if image % 8 == 0 else image // 3}")
    options = {"extra": f"evaluate: [{written}]", "image": image, "backbone": patch}
    return plan_of(load_toy("vicreg", **options))


def child(plan: Plan) -> Plan:
    (evaluation,) = plan.evaluations
    data = FineTuneData(images=len(IMAGES), classes=0)
    return fine_tune_plan(plan, evaluation, data=data, init=None, catalog=CATALOG)


def views_of(plan: Plan) -> tuple[np.ndarray, ViewBatch]:
    """Positions of the images of a batch, and its views in [0, 1]."""
    views = plan.views.model_copy(update={"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)})
    batch = one_batch(plan, IMAGES, rows=np.arange(len(IMAGES)))
    return batch.samples, DeviceViews(views, seed=plan.seed, device="cpu")(batch)


@pytest.mark.parametrize("image", [32, 30, 27])
@pytest.mark.parametrize("family", MAPS)
@pytest.mark.parametrize("border", ["reflect", "zeros", "canvas"])
def test_the_pairs_are_those_of_the_benchmark(family: str, border: str, image: int) -> None:
    plan = parent(family=family, border=border, image=image)
    samples, views = views_of(child(plan))
    params = Params.model_validate(plan.evaluations[0].params)
    known = prepared(params.families[family], size=image, borders=params.borders)
    (at,) = known.at.values()
    side = canvas_side(image)
    canvases = torch.stack([canvas(IMAGES.image(int(i)), side=side) for i in samples])
    inner = centre(canvases, size=image)
    seen = canvases if border == "canvas" and "any" not in known.at else inner
    assert views.theta is not None
    assert torch.equal(views.images["global"][0], inner)
    moved = at(seen, views.theta, fractions=(1.0,))[0]
    assert torch.equal(views.images["global"][1], moved)
    low, high = (torch.tensor(ends).float() for ends in known.ranges.T)
    assert bool(((views.theta >= low) & (views.theta <= high)).all())


@pytest.mark.parametrize("family", MAPS)
def test_parameters_are_scaled_from_their_ranges(family: str) -> None:
    """As written in the documentation of the benchmark: [low, high] becomes [−1, 1]."""
    _, views = views_of(child(parent(family=family)))
    assert views.theta is not None
    assert views.parameters is not None
    theta = views.theta.double().numpy()
    for at, (low, high) in enumerate(MAPS[family][1]):
        wanted = 2 * (theta[:, at] - low) / (high - low) - 1
        np.testing.assert_allclose(views.parameters[:, at].numpy(), wanted, rtol=0, atol=1e-7)
        assert np.ptp(wanted) > 0.5


def test_the_loss_is_the_error_of_parameters_read_from_both_mean_patches() -> None:
    plan = child(parent()).graph
    case = Case(plan, batch=6, dtype=torch.float64)
    graph, streams, controls = case.graph(), case.streams(), case.controls()
    total = graph(streams, controls).total
    tokens = graph.encoder()(images=streams["global"].flatten(0, 1))
    first, second = tokens[:, 1:].mean(dim=1).unflatten(0, (2, 6))
    weights = dict(graph.students["regressor"].named_parameters())
    x = torch.cat([first, second], dim=1)
    (in_w, in_b, out_w, out_b) = weights.values()
    predicted = (x @ in_w.mT + in_b).clamp(min=0) @ out_w.mT + out_b
    wanted = (predicted - streams["parameters"]).square().mean()
    assert total.item() == pytest.approx(wanted.item(), rel=0, abs=1e-12)
    total.backward()
    for name, parameter in graph.encoder().named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.any()), name


def test_the_plan_of_an_evaluation_states_its_training() -> None:
    plan = parent()
    (evaluation,) = plan.evaluations
    *features, readout, training = evaluation.stages
    assert all(isinstance(stage, FeaturesStage) for stage in features)
    assert len(features) == 2
    assert isinstance(readout, ReadoutStage)
    assert isinstance(training, FineTuneStage)
    assert training.control == "supervised"
    assert trains(evaluation)
    assert evaluation.controls == ("block-grid", "supervised")
    assert parts(evaluation, classes=0).start == "initial"
    older = evaluation.model_copy(update={"stages": ()})
    assert stages_of(older) == evaluation.stages
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_it_is_trained_once_before_the_training_of_the_run() -> None:
    (evaluation,) = parent().evaluations
    assert trained_states(evaluation, step=0) == ("supervised",)
    assert trained_states(evaluation, step=4) == ()
    (plain,) = plan_of(load_toy("vicreg", extra="evaluate: [{use: r2, at: end}]")).evaluations
    assert fine_tuning(plain) is None
    assert trained_states(plain, step=0) == ()


def test_a_protocol_without_a_training_has_the_parameters_of_before() -> None:
    assert "supervised" not in Params.model_validate(example).model_dump(mode="json")


@pytest.mark.parametrize("more", [{"borders": ["zeros", "canvas"]}, {"families": 2}])
def test_a_training_on_several_families_or_borders_is_refused(more: dict[str, object]) -> None:
    two = {name: OpCall(impl="rot", params={"degrees": [-45, 45]}) for name in ("a", "b")}
    changed = {key: two if key == "families" else value for key, value in more.items()}
    supervised = {"length": "2 steps", "batch": 4, "lr": 0.1}
    with pytest.raises(ValidationError, match="one family with one border"):
        Params.model_validate({**example, "supervised": supervised, **changed})


def test_a_method_without_a_term_needs_a_rewrite_that_adds_one() -> None:
    method = "{card: method, rev: 1, about: An encoder alone., views: {global: {count: 2}}, "
    method += "modules: {encoder: {backbone: from-spec}}, embedding: {module: encoder}, "
    method += "flow: {tokens: {apply: encoder, to: {images: global}}}, terms: {}}"
    text = toy_text("vicreg").replace(f"{{use: vicreg, with: {SMALL['vicreg']}}}", method)
    with pytest.raises(SpecError) as refused:
        plan_of(parse_spec(text.replace("method:", "augment: {use: all}\nmethod:"), path=Path("x")))
    (problem,) = refused.value.diagnostics
    assert problem.message == "the method has no term, so that there is nothing to train"
