"""Weights as common training code saves them: what stands around names is stripped, and said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from eqspec.build.program import initial_graph
from eqspec.commands.running.log_lines import weights_lines
from eqspec.errors import SpecError
from tests.command_line import ask
from tests.published_files import LAYOUTS, VIT, state
from tests.published_specs import CPU, fitted, planned, spec_text

State = dict[str, Tensor]
Wrap = Callable[[State], dict[str, Any]]


def before(prefix: str, **beside: Any) -> Wrap:
    return lambda inside: {f"{prefix}{name}": t for name, t in inside.items()} | beside


def under(*keys: str, prefix: str = "") -> Wrap:
    """A prefix, and the containers around it, outermost first."""

    def wrap(inside: State) -> dict[str, Any]:
        held: dict[str, Any] = before(prefix)(inside)
        for key in reversed(keys):
            held = {key: held}
        return held

    return wrap


def lightning(inside: State) -> dict[str, Any]:
    head = {"model.projector.0.weight": torch.ones(1), "criterion.centre": torch.ones(1)}
    held = before("model.backbone.")(inside) | head
    return {"state_dict": held, "epoch": 3, "optimizer_states": [{"state": {}}]}


BESIDE = {"optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": []}, "epoch": 3}

WRAPPED: Mapping[str, tuple[Wrap, str]] = {
    "DDP": (before("module."), "`module.` inside names"),
    "torch.compile": (before("_orig_mod."), "`_orig_mod.` inside names"),
    "a compiled DDP": (before("_orig_mod.module."), "`_orig_mod.` inside names, `module.` inside"),
    "DDP of a compiled": (before("module._orig_mod."), "`_orig_mod.` inside names, `module.` ins"),
    "model": (before("model."), "`model.`"),
    "backbone": (before("backbone."), "`backbone.`"),
    "encoder": (before("encoder."), "`encoder.`"),
    "student": (before("student."), "`student.`"),
    "a student's backbone in DDP": (before("module.student.backbone."), "`student.backbone.`, `m"),
    "state_dict": (under("model", "state_dict"), "`model/`"),
    "model_state_dict": (under("model_state_dict"), "`model_state_dict/`"),
    "Lightning": (lightning, "`state_dict/model.backbone.`"),
    "Lightning, compiled": (under("state_dict", prefix="model._orig_mod."), "`state_dict/model.`,"),
    "DeepSpeed": (under("module"), "`module.` inside names"),
    "beside an optimizer": (
        lambda inside: {"network": before("module.")(inside)} | BESIDE,
        "`network/`, `module.` inside names",
    ),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_wrappers_are_stripped_and_said(name: str, tmp_path: Path) -> None:
    wrap, reported = WRAPPED[name]
    inside = state(VIT)
    torch.save(wrap(inside), tmp_path / "w.pth")  # noqa: TID251 - as training code does
    plan = planned(tmp_path, tmp_path / "w.pth", VIT)
    found = fitted(plan)
    assert found.whole
    assert set(found.fit.taken) == set(inside)
    assert f"wrappers stripped: {reported}" in "\n".join(weights_lines(found))
    held = initial_graph(plan, device=CPU).encoder().state_dict()
    assert all(torch.equal(held[own], inside[own]) for own in inside)


@pytest.mark.parametrize("name", ["mae", "dino", "ijepa", "mocov3", "dinov2", "eqspec"])
def test_every_layout_is_known_in_its_wrappers(name: str, tmp_path: Path) -> None:
    """What torch.compile adds stands between a layout's own names, what others add before them."""
    layout = LAYOUTS[name]
    built = layout.make(dict(state(layout.params)))

    def compiled(held: Mapping[str, Any]) -> dict[str, Any]:
        if any(isinstance(value, Tensor) for value in held.values()):
            return {f"_orig_mod.{key}": value for key, value in held.items()}
        return {k: compiled(v) if isinstance(v, dict) else v for k, v in held.items()}

    torch.save({"model_state_dict": compiled(built)}, tmp_path / "w.pth")  # noqa: TID251 - as above
    plan = planned(tmp_path, tmp_path / "w.pth", layout.params)
    assert plan.published is not None
    assert plan.published.layout is not None
    assert (plan.published.layout.name, plan.published.layout.part) == (layout.card, layout.part)
    assert fitted(plan).whole


def test_of_two_networks_one_has_to_be_named(tmp_path: Path) -> None:
    inside = state(VIT)
    other = {name: tensor + 1 for name, tensor in inside.items()}
    held = {"student": before("module.")(inside), "teacher": before("module.")(other)}
    torch.save(held, tmp_path / "w.pth")  # noqa: TID251 - as training code does
    with pytest.raises(SpecError) as caught:
        planned(tmp_path, tmp_path / "w.pth", VIT)
    (message,) = caught.value.diagnostics
    assert "it contains 2 networks that fit: `student/`, `teacher/`" in message.message
    assert "part: student | teacher" in str(message.help)
    recipes = set[str]()
    for part, wanted in (("student", inside), ("teacher", other)):
        plan = planned(tmp_path, tmp_path / "w.pth", VIT, more=f", part: {part}")
        assert plan.resolved["backbone"]["init"]["part"] == part  # type: ignore[index, call-overload]
        taken = initial_graph(plan, device=CPU).encoder().state_dict()
        assert torch.equal(taken["cls_token"], wanted["cls_token"])
        recipes.add(plan.recipe)
    assert len(recipes) == 2
    with pytest.raises(SpecError, match="2 networks that fit"):
        planned(tmp_path, tmp_path / "w.pth", VIT, more=", part: momentum")


def test_what_the_encoder_lacks_is_not_looked_for_beside_its_wrapper(tmp_path: Path) -> None:
    inside = state(VIT)
    norm = inside.pop("norm.weight")
    torch.save(before("module.model.")(inside) | {"norm.weight": norm}, tmp_path / "w.pth")  # noqa: TID251 - as above
    reported = check(tmp_path)
    assert reported[0] == 2
    assert "1 missing in the file (`norm.weight`)" in reported[1]


def test_two_names_that_become_one_are_not_taken_for_one(tmp_path: Path) -> None:
    twice = before("module.", **{"module.module.norm.bias": torch.ones(32)})(state(VIT))
    torch.save(twice, tmp_path / "w.pth")  # noqa: TID251 - as nobody should
    status, reported = check(tmp_path)
    assert status == 2
    assert "of no known layout" in reported


def check(folder: Path) -> tuple[int, str]:
    (folder / "judged.yaml").write_text(spec_text(folder / "w.pth", VIT))
    answer = ask("check", str(folder / "judged.yaml"))
    return answer.status, answer.err.replace("\n", " ")


def test_torch_wraps_as_these_files_say() -> None:
    """The names that torch.compile itself makes."""
    inner = nn.Linear(2, 2)
    assert set(torch.compile(inner).state_dict()) == {"_orig_mod.weight", "_orig_mod.bias"}
