"""Evaluations on other data than the training's: how they are named, planned and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.commands.planning.plans import plan_spec
from eqspec.errors import SpecError
from tests.toy_specs import load_toy, plan_of, toy_text

PROBE = "{use: linear-probe, at: end, with: {data: cifar10}}"


def evaluations(*written: str):
    return plan_of(load_toy("vicreg", extra=f"evaluate: [{', '.join(written)}]")).evaluations


def refused(tmp_path: Path, *written: str) -> SpecError:
    path = tmp_path / "toy.yaml"
    path.write_text(toy_text("vicreg", extra=f"evaluate: [{', '.join(written)}]"))
    with pytest.raises(SpecError) as error:
        plan_spec(path)
    return error.value


def test_an_evaluation_judges_on_the_data_it_names() -> None:
    probe, rank = evaluations(PROBE, "{use: effective-rank, at: end}")
    assert (probe.data.name, probe.data.classes, probe.data.count) == ("cifar10", 10, 50_000)
    assert rank.data.name == "photos"


def test_the_data_are_part_of_the_evaluations_id() -> None:
    ids = {
        evaluations(f"{{use: effective-rank, at: end, with: {{data: {name}}}}}")[0].id
        for name in ("cifar10", "cifar100", "photos")
    }
    (own,) = evaluations("{use: effective-rank, at: end}")
    assert len(ids) == 3
    assert own.id in ids


def test_neither_data_nor_controls_are_parameters() -> None:
    written = "{use: r2, at: end, with: {data: cifar10, controls: []}}"
    (with_them, without) = evaluations(written, "{use: r2, at: end}")
    assert with_them.params == without.params
    assert (with_them.controls, without.controls) == ((), ("block-grid",))


def test_controls_change_no_id() -> None:
    few, one = evaluations("{use: r2, at: end, with: {controls: []}}", "{use: r2, at: end}")
    assert few.id == one.id


def test_a_body_in_place_is_data_too() -> None:
    body = "{card: dataset, rev: 1, name: mine, about: Images of mine., impl: image_folder, "
    body += "facts: {mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2]}}"
    (found,) = evaluations(f"{{use: knn, at: end, with: {{data: {body}}}}}")
    assert (found.data.name, found.data.impl, found.data.count) == ("mine", "image_folder", 0)


@pytest.mark.parametrize("name", ["knn", "linear-probe"])
def test_data_without_labels_are_refused_at_the_evaluation(tmp_path: Path, name: str) -> None:
    (problem,) = refused(tmp_path, "{use: r2, at: end}", f"{{use: {name}, at: end}}").diagnostics
    assert problem.code == "EQ040"
    assert problem.message == f"`{name}` needs labels, and `photos` has none"
    assert problem.location is not None
    assert problem.location.excerpt[problem.location.column - 1 :].startswith(name)
    ((also, _),) = problem.also
    assert also.file.endswith("photos.yaml")
    assert "classes: 0" in also.excerpt


def test_data_that_promise_nothing_of_classes_are_left_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    extra = "evaluate: [{use: knn, at: end, with: {data: image-folder}}]"
    path.write_text(toy_text("vicreg", extra=extra))
    (evaluation,) = plan_spec(path).plan.evaluations
    assert evaluation.data.name == "image-folder"


def test_unknown_data_are_refused_where_they_are_named(tmp_path: Path) -> None:
    written = "{use: knn, at: end, with: {data: cifar1}}"
    problem = refused(tmp_path, written).diagnostics[0]
    assert problem.code == "EQ010"
    assert "no card `cifar1` in registry/datasets/" in problem.message
    assert problem.location is not None
    assert problem.location.excerpt[problem.location.column - 1 :].startswith("cifar1}")


def test_the_refusal_stands_beside_other_problems(tmp_path: Path) -> None:
    path = tmp_path / "toy.yaml"
    text = toy_text("vicreg", extra="evaluate: [{use: knn, at: end}]")
    path.write_text(text.replace("batch: 8", "batch: many"))
    with pytest.raises(SpecError) as error:
        plan_spec(path)
    assert {d.code for d in error.value.diagnostics} == {"EQ011", "EQ040"}
