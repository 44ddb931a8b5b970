"""Teachers follow their students, when and as far as their card says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from eqspec.engine.teacher import follow
from tests.graphs import Case
from tests.toy_specs import toy_plan

if TYPE_CHECKING:
    from eqspec.build.graph.training_graph import TrainGraph


def moved(method: str, *, momentum: float, when: str) -> tuple[TrainGraph, dict[str, torch.Tensor]]:
    """A graph whose students have moved by one everywhere, after `follow`; and how it was."""
    case = Case(toy_plan(method).graph, dtype=torch.float64)
    graph = case.graph()
    before = {name: value.clone() for name, value in graph.state_dict().items()}
    with torch.no_grad():
        for tensor in (*graph.students.parameters(), *graph.students.buffers()):
            tensor.add_(1.0)
    (teacher,) = graph.plan.teachers
    follow(graph, {teacher.name: momentum}, when=when)
    return graph, before


WHEN = {"dino": "after-step", "ibot": "after-step", "dinov2": "after-step", "ijepa": "after-step"}
WHEN |= {"mocov3": "before-forward"}


@pytest.mark.parametrize("method", WHEN)
@pytest.mark.parametrize("momentum", [0.0, 0.75, 1.0])
def test_a_copy_keeps_its_share_of_the_old(method: str, momentum: float) -> None:
    graph, before = moved(method, momentum=momentum, when=WHEN[method])
    for name, copy in graph.teachers.named_parameters():
        expected = before[f"teachers.{name}"] + (1 - momentum)
        torch.testing.assert_close(copy, expected, rtol=0.0, atol=1e-12, msg=name)
    for name, buffer in graph.teachers.named_buffers():
        assert torch.equal(buffer, before[f"teachers.{name}"]), "it keeps its own"


@pytest.mark.parametrize("method", WHEN)
def test_at_another_moment_nothing_moves(method: str) -> None:
    (other,) = set(WHEN.values()) - {WHEN[method]}
    graph, before = moved(method, momentum=0.0, when=other)
    for name, value in graph.teachers.state_dict().items():
        assert torch.equal(value, before[f"teachers.{name}"]), name


def test_a_teacher_starts_as_its_student() -> None:
    graph = Case(toy_plan("dinov2").graph).graph()
    students = graph.students.state_dict()
    for name, value in graph.teachers["teacher"].state_dict().items():
        assert torch.equal(value, students[name]), name


@pytest.mark.parametrize("method", ["ibot", "dinov2"])
def test_a_copy_has_not_what_it_excludes(method: str) -> None:
    graph = Case(toy_plan(method).graph).graph()
    assert graph.students["encoder"].mask_token is not None
    assert graph.copies("teacher")["encoder"].mask_token is None


def test_copied_buffers_are_taken_over() -> None:
    plan = toy_plan("mocov3").graph
    teacher = plan.teachers[0].model_copy(update={"buffers": "copied"})
    graph = Case(plan.model_copy(update={"teachers": (teacher,)})).graph()
    graph.students["projector"].norms[0].running_mean.fill_(7.0)
    follow(graph, {"momentum": 1.0}, when="before-forward")
    assert (graph.copies("momentum")["projector"].norms[0].running_mean == 7.0).all()


def test_the_teachers_eyes_are_used_for_features() -> None:
    ibot, vicreg = (Case(toy_plan(method).graph).graph() for method in ("ibot", "vicreg"))
    assert ibot.encoder() is ibot.copies("teacher")["encoder"]
    assert vicreg.encoder() is vicreg.students["encoder"]
