"""What the trainings of evaluations take, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.build.cost.trace import trace
from eqspec.cli.render.cost import _fine_tuning
from eqspec.commands.planning.data_locations import NO_LOCATIONS
from eqspec.commands.planning.fine_tunings import FineTuningCost, fine_tuning_costs
from eqspec.commands.planning.plans import plan_spec
from tests.toy_specs import toy_text


def costs_of(spec: Path) -> tuple[FineTuningCost, ...]:
    plan = plan_spec(spec).plan
    return fine_tuning_costs(plan, untrained=True, locations=NO_LOCATIONS, traced=trace)


def costs(tmp_path: Path, *, evaluation: str, data: str) -> tuple[FineTuningCost, ...]:
    extra = f"evaluate: [{{use: {evaluation}, at: end, with: {{data: {data}}}}}, {{use: knn}}]"
    spec = tmp_path / "toy.yaml"
    text = toy_text("vicreg", extra=extra.replace("{use: knn}", "{use: effective-rank, at: end}"))
    spec.write_text(text)
    return costs_of(spec)


def test_a_training_on_a_known_dataset_is_counted(tmp_path: Path) -> None:
    (cost,) = costs(tmp_path, evaluation="linear-probe-images", data="cifar10")
    assert cost.trainings == 2
    assert cost.batch == 1024
    assert cost.steps == 10 * (45_000 // 1024)
    assert cost.parameters == 7 * 10 * (2 * 32 + 1)
    assert cost.flops > 0
    assert cost.disk > 0
    assert _fine_tuning(cost).startswith("2 trainings of 430 steps with 1,024 images")


def test_a_dataset_of_unknown_size_is_left_open(tmp_path: Path) -> None:
    (cost,) = costs(tmp_path, evaluation="linear-probe-images", data="image-folder")
    assert cost.steps is None
    assert "depends on the data" in _fine_tuning(cost)


def test_a_supervised_ceiling_is_one_training_without_labels(tmp_path: Path) -> None:
    (cost,) = costs(tmp_path, evaluation="r2-supervised", data="photos")
    assert cost.trainings == 1
    assert (cost.batch, cost.steps) == (256, 100 * (989 // 256))
    spec = tmp_path / "toy.yaml"
    plan = plan_spec(spec).plan
    later = fine_tuning_costs(plan, untrained=False, locations=NO_LOCATIONS, traced=trace)
    assert later == ()


@pytest.mark.parametrize(
    ("protocol", "steps"), [("linear-probe-dino", 4800), ("linear-probe-dinov2", 12_500)]
)
def test_published_protocols_have_the_published_lengths(
    tmp_path: Path, protocol: str, steps: int
) -> None:
    with_blocks = f"{protocol}, with: {{blocks: [1], data: cifar10}}"
    extra = f"evaluate: [{{use: {with_blocks}, at: end}}]"
    spec = tmp_path / "toy.yaml"
    spec.write_text(toy_text("vicreg", extra=extra))
    (cost,) = costs_of(spec)
    assert cost.steps == steps
