"""Stages of evaluations: what is read, what is shared, and what trains."""

from __future__ import annotations

import pytest

from eqspec.commands.planning.estimate import features_bytes
from eqspec.compile.evaluation_stages import shared_features, stages_of, trains
from eqspec.compile.fine_tune import parts
from eqspec.compile.types.plan import Plan
from eqspec.compile.types.stages import FeaturesStage, FineTuneStage, ReadoutStage
from eqspec.errors import SpecError
from eqspec.ops.find import find_evaluation, op_names
from eqspec.ops.targets.kinds import TargetKind
from tests.toy_specs import BACKBONE, load_toy, plan_of

KNN = "{use: knn, at: end, with: {data: cifar10, k: [5], train_images: %d, heldout_images: 40}}"
PROBE = "{use: linear-probe, at: end, with: {data: cifar10}}"
RANK = "{use: effective-rank, at: end, with: {data: cifar10, images: 1000}}"
TRAINED = "{use: linear-probe-images, at: end, with: {data: cifar10}}"
NO_CLASS_TOKEN = BACKBONE.replace("heads: 2", "heads: 2, class_token: false")


def plan(*written: str, **options: str) -> Plan:
    extra = f"evaluate: [{', '.join(written)}]"
    return plan_of(load_toy("vicreg", extra=extra, **options))


def test_an_evaluation_of_features_reads_them_and_computes() -> None:
    (evaluation,) = plan(KNN % 100).evaluations
    features, readout = evaluation.stages
    assert isinstance(features, FeaturesStage)
    assert isinstance(readout, ReadoutStage)
    assert (features.form, features.data, features.rows) == ("pooled", "cifar10", ("encoder",))
    assert (features.train, features.heldout) == (100, 40)
    assert readout.features == (features.id,)
    assert readout.targets == (TargetKind.LABEL,)
    assert not trains(evaluation)


def test_pooled_features_of_one_dataset_are_shared_for_all_images_that_are_read() -> None:
    ((stage, readers),) = shared_features(plan(KNN % 100, PROBE, RANK).evaluations).values()
    assert readers == ("knn", "linear-probe", "effective-rank")
    assert (stage.train, stage.heldout) == (None, None)
    ((stage, _),) = shared_features(plan(KNN % 100, RANK).evaluations).values()
    assert (stage.train, stage.heldout) == (100, 1000)


def test_features_of_other_data_or_of_pairs_are_not_shared() -> None:
    other = PROBE.replace("cifar10", "cifar100")
    found = shared_features(plan(PROBE, other, "{use: r2, at: end}").evaluations)
    assert sorted(stage.form for stage, _ in found.values()) == [
        "pairs",
        "pairs",
        "pooled",
        "pooled",
    ]


def test_an_evaluation_that_trains_states_its_training_in_the_plan() -> None:
    (evaluation,) = plan(TRAINED).evaluations
    (stage,) = evaluation.stages
    assert isinstance(stage, FineTuneStage)
    assert stage.targets == (TargetKind.LABEL,)
    assert (stage.classes, stage.held_back) == (10, 0.1)
    assert stage.method is not None
    assert trains(evaluation)
    op = find_evaluation(evaluation.impl)
    stated = op.fine_tune(op.Params.model_validate(evaluation.params), classes=10)
    assert parts(evaluation, classes=10) == stated
    assert parts(evaluation, classes=7).method != stated.method  # as found in a folder


def test_stages_survive_json_and_change_no_id() -> None:
    planned = plan(KNN % 100, TRAINED, "{use: r2, at: end}")
    assert Plan.model_validate_json(planned.model_dump_json()) == planned
    for evaluation in planned.evaluations:
        older = evaluation.model_copy(update={"stages": ()})
        assert stages_of(older) == evaluation.stages
        assert trains(older) == trains(evaluation)


def test_class_tokens_of_an_encoder_without_any_are_refused() -> None:
    with pytest.raises(SpecError) as refused:
        plan("{use: knn-dino, at: end, with: {data: cifar10}}", backbone=NO_CLASS_TOKEN)
    (problem,) = refused.value.diagnostics
    assert problem.message == "`knn-dino` reads class tokens, and the encoder has none"
    assert problem.location is not None
    assert "knn-dino" in problem.location.excerpt


def test_the_size_of_features_is_that_of_their_files() -> None:
    width = 2 * 32  # class token and mean patch of the toy
    assert features_bytes(plan(KNN % 100)) == 4 * (100 + 40) * width
    assert features_bytes(plan(KNN % 100, RANK)) == 4 * (100 + 1000) * width
    assert features_bytes(plan(PROBE)) == 4 * 50_000 * width  # held-out ones are not counted
    assert features_bytes(plan(TRAINED)) == 0


@pytest.mark.parametrize("name", op_names("evaluations"))
def test_every_shipped_evaluation_declares_what_it_reads(name: str) -> None:
    op = find_evaluation(name)
    params = op.Params.model_validate(op.example)
    assert bool(op.reads(params)) != op.trains
