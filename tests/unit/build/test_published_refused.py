"""Published weights that are not what was meant are refused, and the reason is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from eqspec.build.program import initial_graph
from eqspec.build.weights.published import fit_published
from eqspec.compile.types.plan import Plan
from eqspec.errors import EqspecError, SpecError, UsageError
from tests.published_files import LAYOUTS, VIT, state, store
from tests.published_specs import CPU, fitted, planned

OTHERS = {
    "patch": ({"patch": 16}, "`patch` is 16 here and 8 in the file"),
    "width": ({"width": 16}, "`width` is 16 here and 32 in the file"),
    "depth": ({"depth": 3}, "`depth` is 3 here and 2 in the file"),
    "class token": ({"class_token": False}, "`class_token` is absent here and present in the file"),
    "registers": ({"registers": 2}, "`registers` is 2 here and 0 in the file"),
    "LayerScale": ({"layer_scale": 0.1}, "`layer_scale` is present here and absent in the file"),
    "MLP": ({"mlp_ratio": 2.0}, "`hidden width` is 64 here and 128 in the file"),
    "positions": ({"positions": "sincos-row-first"}, "`positions` is sincos-row-first here"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_encoder_is_named_as_such(name: str, tmp_path: Path) -> None:
    params, reported = OTHERS[name]
    store(tmp_path / "w.pth", LAYOUTS["mae"])
    plan = planned(tmp_path, tmp_path / "w.pth", dict(LAYOUTS["mae"].params) | params)
    with pytest.raises(UsageError, match="are weights of another encoder") as caught:
        fit_published(plan)
    assert reported in caught.value.message


def test_an_encoder_of_another_kind_is_named_as_such(tmp_path: Path) -> None:
    store(tmp_path / "w.pth", LAYOUTS["torchvision"])
    with pytest.raises(UsageError, match="`impl` is vit here"):
        fit_published(planned(tmp_path, tmp_path / "w.pth", VIT))
    store(tmp_path / "w.pth", LAYOUTS["timm"])
    with pytest.raises(UsageError, match="`impl` is resnet here"):
        fit_published(planned(tmp_path, tmp_path / "w.pth", {"depth": 18}, impl="resnet"))


def test_a_partial_load_is_refused_unless_asked_for(tmp_path: Path) -> None:
    inside = state(VIT)
    del inside["norm.weight"]
    torch.save(inside | {"extra": torch.ones(1)}, tmp_path / "w.pth")  # noqa: TID251 - as they do
    with pytest.raises(UsageError) as caught:
        fit_published(planned(tmp_path, tmp_path / "w.pth", VIT))
    assert "1 missing in the file (`norm.weight`), 1 unexpected (`extra`)" in caught.value.message
    assert "partial: true" in str(caught.value.help)
    plan = planned(tmp_path, tmp_path / "w.pth", VIT, more=", partial: true")
    found = fitted(plan)
    assert (found.fit.missing, found.fit.unexpected) == (("norm.weight",), ("extra",))
    held = initial_graph(plan, device=CPU).encoder().state_dict()
    assert torch.equal(held["cls_token"], inside["cls_token"])
    assert torch.equal(held["norm.weight"], torch.ones(32))


def test_the_hash_is_the_recipe_and_the_place_is_not(tmp_path: Path) -> None:
    plans: list[Plan] = []
    for folder, seed in (("a", 7), ("b", 7), ("c", 8)):
        (tmp_path / folder).mkdir()
        torch.save(state(VIT, seed=seed), tmp_path / folder / "w.pth")  # noqa: TID251 - as they do
        plans.append(planned(tmp_path / folder, tmp_path / folder / "w.pth", VIT))
    recipes = [plan.recipe for plan in plans]
    assert recipes[0] == recipes[1] != recipes[2]


def test_a_file_that_has_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    store(tmp_path / "w.pth", LAYOUTS["timm"])
    plan = planned(tmp_path, tmp_path / "w.pth", VIT)
    torch.save(state(VIT, seed=8), tmp_path / "w.pth")  # noqa: TID251 - as its publishers do
    with pytest.raises(UsageError, match="has changed since it was planned"):
        initial_graph(plan, device=CPU)
    (tmp_path / "w.pth").unlink()
    with pytest.raises(UsageError, match="the published weights are not here"):
        initial_graph(plan, device=CPU)


def test_a_pinned_hash_is_held_to(tmp_path: Path) -> None:
    store(tmp_path / "w.pth", LAYOUTS["timm"])
    plan = planned(tmp_path, tmp_path / "w.pth", VIT)
    assert plan.published is not None
    pinned = f", sha256: {plan.published.sha256}"
    assert planned(tmp_path, tmp_path / "w.pth", VIT, more=pinned).recipe == plan.recipe
    wrong = f', sha256: "{"0" * 64}"'
    with pytest.raises(SpecError, match="contains other weights"):
        planned(tmp_path, tmp_path / "w.pth", VIT, more=wrong)


def test_weights_that_are_not_here_can_be_planned(tmp_path: Path) -> None:
    plan = planned(tmp_path, tmp_path / "later.pth", VIT)
    assert plan.published is not None
    assert (plan.published.file, plan.published.layout) == (None, None)
    with pytest.raises(UsageError, match="the published weights are not here") as caught:
        fit_published(plan)
    assert "put the file there" in str(caught.value.help)


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("went off"),))


@pytest.mark.parametrize("damage", ["truncated", "code", "text", "list", "not finite", "unknown"])
def test_damage_is_explained(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path, inside = tmp_path / "w.pth", state(VIT)
    inside["cls_token"][0, 0, 3] = float("nan") if damage == "not finite" else 0.0
    held: object = {
        "code": [_Bomb()],
        "list": [torch.ones(1)],
        "unknown": {"a": torch.ones(1)},
    }.get(damage, inside)
    torch.save(held, path)  # noqa: TID251 - as its publishers do
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-2000])
    if damage == "text":
        path.write_text("<html>404</html>")
    reported = {
        "truncated": "it is damaged",
        "code": "asks for code to be run",
        "text": "it is damaged",
        "list": "contains no names of tensors, but one list",
        "not finite": "contain values that are not finite",
        "unknown": "those of no known layout",
    }
    with pytest.raises(EqspecError, match=reported[damage]) as caught:
        initial_graph(planned(tmp_path, path, VIT), device=CPU)
    assert path.name in caught.value.message
    assert not (tmp_path / "went off").exists()
