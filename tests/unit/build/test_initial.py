"""Weights to start from are matched by name and shape, and nothing is left out in silence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from eqspec.build.program import build_graph, initial_graph
from eqspec.build.weights.initial import fit, fit_of, load_initial
from eqspec.compile.types.initial_weights import InitPlan
from eqspec.compile.types.plan import Plan
from eqspec.errors import UsageError
from tests.toy_specs import PATH, toy_plan

CPU = torch.device("cpu")


def stored(path: Path, tensors: Mapping[str, Tensor], *, partial: bool = False) -> InitPlan:
    """A file of these tensors, as a plan names it."""
    save_file({name: t.contiguous().clone() for name, t in tensors.items()}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return InitPlan(weights=str(path), sha256=digest, partial=partial)


def weights(plan: Plan, *, seed: int) -> dict[str, Tensor]:
    return build_graph(plan.graph, seed=seed, device=CPU).state_dict()


def test_a_whole_state_is_taken_over(tmp_path: Path) -> None:
    plan, other = toy_plan("ibot"), weights(toy_plan("ibot"), seed=5)
    plan = plan.model_copy(update={"init": stored(tmp_path / "w.safetensors", other)})
    built = initial_graph(plan, device=CPU).state_dict()
    assert built.keys() == other.keys()
    assert all(torch.equal(built[name], other[name]) for name in other)
    found = fit_of(plan)
    assert found is not None
    assert found.whole


def test_a_teacher_without_weights_of_its_own_starts_as_its_student(tmp_path: Path) -> None:
    plan = toy_plan("ibot")
    other = {n: t for n, t in weights(plan, seed=5).items() if not n.startswith("teachers.")}
    init = stored(tmp_path / "w.safetensors", other)
    built = initial_graph(plan.model_copy(update={"init": init}), device=CPU).state_dict()
    pairs = [(n, f"students.{n.split('.', 2)[2]}") for n in built if n.startswith("teachers.")]
    assert pairs
    assert all(torch.equal(built[teacher], built[student]) for teacher, student in pairs)


def test_what_does_not_fit_is_named_and_refused_unless_asked_for(tmp_path: Path) -> None:
    base, ours = toy_plan("vicreg"), toy_plan("vicreg", equivariance=PATH)
    other = weights(base, seed=5)
    refused = stored(tmp_path / "a.safetensors", {**other, "extra": torch.ones(1)})
    with pytest.raises(UsageError) as caught:
        fit_of(ours.model_copy(update={"init": refused}))
    message = caught.value.message
    assert "tensors matched" in message
    assert "missing in the file (`students.decoder_1." in message
    assert "1 unexpected (`extra`)" in message
    taken = stored(tmp_path / "b.safetensors", other, partial=True)
    built = initial_graph(ours.model_copy(update={"init": taken}), device=CPU).state_dict()
    fresh = weights(ours, seed=ours.seed)
    for name, value in built.items():
        same_shape = name in other and other[name].shape == value.shape
        assert torch.equal(value, other[name] if same_shape else fresh[name]), name


def test_shapes_count() -> None:
    found = fit({"a": (2,), "b": (3,)}, {"a": (2,), "b": (4,)})
    assert (dict(found.taken), found.misshapen) == ({"a": "a"}, ("b",))
    assert str(found) == "1 tensors matched, 1 of another shape (`b`)"


def test_nothing_in_common_is_refused_even_partially(tmp_path: Path) -> None:
    init = stored(tmp_path / "w.safetensors", {"other": torch.ones(2)}, partial=True)
    with pytest.raises(UsageError, match="0 tensors matched"):
        fit_of(toy_plan("vicreg").model_copy(update={"init": init}))


@pytest.mark.parametrize("damage", ["changed", "gone", "no weights"])
def test_a_file_that_is_not_the_planned_one_is_refused(tmp_path: Path, damage: str) -> None:
    plan = toy_plan("vicreg")
    path = tmp_path / "w.safetensors"
    init = stored(path, weights(plan, seed=5))
    plan = plan.model_copy(update={"init": init})
    if damage == "gone":
        path.unlink()
    else:
        save_file({"a": torch.ones(1)}, path)
    if damage == "no weights":
        path.write_bytes(b"{}")
        with pytest.raises(UsageError, match="is not a safetensors file"):
            fit_of(plan)
    reported = "there is no file" if damage == "gone" else "has changed since it was planned"
    with pytest.raises(UsageError, match=reported):
        load_initial(build_graph(plan.graph, seed=0, device=CPU), init)
