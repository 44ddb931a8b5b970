"""When a teacher follows: MoCo v3's before the keys are made, all others' after the step."""

from __future__ import annotations

import pytest
import torch

from tests.programs import program_of, stepped
from tests.toy_specs import toy_plan

AFTER = ("dino", "ibot", "dinov2", "ijepa")


@pytest.mark.parametrize("method", ["mocov3", *AFTER])
def test_a_teacher_follows_the_student_of_its_moment(method: str) -> None:
    """After two steps of the real engine, from weights that are put apart before the second.

    MoCo v3's teacher has seen the student before the second step moves it, the others' after.
    """
    program = program_of(toy_plan(method))
    stepped(program, until=1)
    graph = program.graph
    (teacher,) = graph.plan.teachers
    with torch.no_grad():
        for parameter in graph.students.parameters():
            parameter.add_(0.01)
    students = {n: p.clone() for n, p in graph.students.named_parameters()}
    taught = {n: p.clone() for n, p in graph.teachers[teacher.name].named_parameters()}
    keep = program.timeline.momenta(1)[teacher.name]
    assert 0.9 < keep < 1
    stepped(program, start=1, until=2)
    after = dict(graph.students.named_parameters())
    for name, parameter in graph.teachers[teacher.name].named_parameters():
        followed = students[name] if method == "mocov3" else after[name].detach()
        expected = taught[name].lerp(followed, 1 - keep)
        assert torch.equal(parameter, expected), name
    moved = [n for n, p in graph.trained() if not torch.equal(p, students[n])]
    assert moved, "the second step has a learning rate"


def test_what_stands_still_in_mocov3_is_the_patch_embedding() -> None:
    program = program_of(toy_plan("mocov3"))
    names = [name for name, _ in program.graph.trained()]
    assert not any(name.startswith("encoder.patch_embed") for name in names)
    assert {name.split(".")[1] for name in names if name.startswith("encoder.")} == {
        "cls_token",
        "blocks",
        "norm",
    }
    assert {group["decay"] for group in program.optimizer.param_groups} == {None}
