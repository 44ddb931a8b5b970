from __future__ import annotations

import json
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from eqspec.compile.types.plan import KeepPlan
from eqspec.errors import EqspecError, FolderMismatch, UsageError
from eqspec.runs import checkpoint
from eqspec.runs.checkpoint import state_digest, steps

if TYPE_CHECKING:
    from pathlib import Path

TENSORS = {
    "encoder.weight": torch.arange(6.0).reshape(2, 3),
    "teacher/encoder.weight": torch.full((2, 3), float("nan"), dtype=torch.float64),
    "term.center": torch.tensor(-0.0, dtype=torch.bfloat16),
    "count": torch.tensor(3),
    "seen": torch.tensor([True, False]),
    "empty": torch.zeros(0, 4),
}


def _save(folder: Path, step: int, **given: object) -> None:
    tensors = {"w": torch.full((4,), float(step))}
    checkpoint.save(folder, **{"step": step, "tensors": tensors, "state": {"at": step}, **given})


def _damage(folder: Path, name: str) -> None:
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    (folder / name).write_bytes(data)


def test_tensors_come_back_bit_for_bit(tmp_path: Path) -> None:
    _save(tmp_path, 7, tensors=TENSORS)
    loaded = checkpoint.load(tmp_path)
    assert loaded is not None
    assert (loaded.step, loaded.state, loaded.warnings) == (7, {"at": 7}, ())
    assert state_digest(loaded.tensors) == state_digest(TENSORS)


def test_tensors_that_share_memory_or_have_gaps_come_back(tmp_path: Path) -> None:
    whole = torch.arange(24.0).reshape(4, 6)
    tensors = {
        "tied.a": whole,
        "tied.b": whole,
        "part": whole[1:3],
        "turned": whole.T,
        "gaps": whole[:, ::2],
        "parameter": torch.nn.Parameter(whole),
        "empty.a": torch.zeros(0),
        "empty.b": torch.zeros(0),
    }
    _save(tmp_path, 1, tensors=tensors)
    loaded = checkpoint.load(tmp_path)
    assert loaded is not None
    assert state_digest(loaded.tensors) == state_digest(tensors)


def test_the_state_of_an_optimizer_comes_back_and_goes_on_alike(tmp_path: Path) -> None:
    def trained() -> tuple[torch.nn.Parameter, torch.optim.AdamW]:
        weight = torch.nn.Parameter(torch.ones(3))
        return weight, torch.optim.AdamW([{"params": [weight], "lr_scale": 0.5, "decays": True}])

    def step(weight: torch.nn.Parameter, optimizer: torch.optim.AdamW) -> None:
        weight.grad = torch.tensor([0.1, -0.2, 0.3])
        optimizer.step()

    weight, optimizer = trained()
    step(weight, optimizer)
    _save(tmp_path, 1, tensors={"w": weight}, state={"optimizer": optimizer.state_dict()})
    loaded = checkpoint.load(tmp_path)
    assert loaded is not None
    again, resumed = trained()
    again.data.copy_(loaded.tensors["w"])
    resumed.load_state_dict(loaded.state["optimizer"])
    step(weight, optimizer)
    step(again, resumed)
    assert state_digest({"w": weight}) == state_digest({"w": again})


def test_the_state_keeps_its_kinds(tmp_path: Path) -> None:
    state = {"a": [1, 2.5, None, True, "x"], "b": (1, (2,)), "c": {3: OrderedDict(d={})}}
    _save(tmp_path, 1, state=state)
    loaded = checkpoint.load(tmp_path)
    assert loaded is not None
    assert loaded.state == state


def test_a_view_is_not_written_with_all_it_looks_into(tmp_path: Path) -> None:
    row = torch.zeros(1000, 1000)[0]
    _save(tmp_path, 1, tensors={"row": row}, state={"row": row})
    assert all(path.stat().st_size < 20_000 for path in tmp_path.iterdir())


@pytest.mark.parametrize("alien", [np.float64(1.0), torch.float32, {1, 2}, object()])
def test_a_state_that_would_not_load_again_is_not_saved(tmp_path: Path, alien: object) -> None:
    _save(tmp_path, 1)
    with pytest.raises(TypeError, match=r"`state.deep.0` is a \w+"):
        _save(tmp_path, 2, state={"deep": [alien]})
    assert steps(tmp_path) == (1,)


def test_without_checkpoints_there_is_nothing_to_load(tmp_path: Path) -> None:
    assert checkpoint.load(tmp_path / "checkpoints") is None
    assert steps(tmp_path / "checkpoints") == ()


def test_the_last_ones_are_kept(tmp_path: Path) -> None:
    for step in (100, 200, 300, 400):
        _save(tmp_path, step, keep=KeepPlan(last=2))
    assert steps(tmp_path) == (300, 400)
    assert len(list(tmp_path.iterdir())) == 6
    _save(tmp_path, 500, keep=KeepPlan(last=1))
    assert steps(tmp_path) == (500,)
    assert len(list(tmp_path.iterdir())) == 3


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.txt", "step-best.safetensors", "step-00000001.onnx"):
        (tmp_path / name).touch()
    _save(tmp_path, 1)
    _save(tmp_path, 2, keep=KeepPlan(last=1))
    assert len(list(tmp_path.iterdir())) == 6


def test_a_given_step_can_be_loaded(tmp_path: Path) -> None:
    _save(tmp_path, 1)
    _save(tmp_path, 2)
    assert checkpoint.load_step(tmp_path, step=1).state == {"at": 1}
    with pytest.raises(UsageError, match="no checkpoint of step 3; it has: 1, 2"):
        checkpoint.load_step(tmp_path, step=3)
    with pytest.raises(UsageError, match="it has: none"):
        checkpoint.load_step(tmp_path / "none", step=3)


@pytest.mark.parametrize("end", ["json", "safetensors", "state.pt"])
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(tmp_path: Path, end: str) -> None:
    _save(tmp_path, 1)
    _save(tmp_path, 2)
    _damage(tmp_path, f"step-00000002.{end}")
    loaded = checkpoint.load(tmp_path)
    assert loaded is not None
    assert loaded.step == 1
    assert len(loaded.warnings) == 1
    assert loaded.warnings[0].startswith("the checkpoint of step 2 was skipped: `")
    with pytest.raises(FolderMismatch):
        checkpoint.load_step(tmp_path, step=2)


def test_a_missing_file_is_damage_too(tmp_path: Path) -> None:
    _save(tmp_path, 1)
    _save(tmp_path, 2)
    (tmp_path / "step-00000002.state.pt").unlink()
    loaded = checkpoint.load(tmp_path)
    assert loaded is not None
    assert loaded.step == 1


def test_when_all_are_damaged_nothing_is_made_up(tmp_path: Path) -> None:
    _save(tmp_path, 1)
    _save(tmp_path, 2)
    _damage(tmp_path, "step-00000001.safetensors")
    _damage(tmp_path, "step-00000002.json")
    with pytest.raises(FolderMismatch, match=r"(?s)no checkpoint .* is intact:.*step 2.*step 1"):
        checkpoint.load(tmp_path)


def test_a_run_that_fell_back_leaves_the_damaged_future_behind(tmp_path: Path) -> None:
    for step in (1, 2):
        _save(tmp_path, step)
    _damage(tmp_path, "step-00000002.json")
    _save(tmp_path, 1, state={"at": "again"})
    assert steps(tmp_path) == (1,)
    loaded = checkpoint.load(tmp_path)
    assert loaded is not None
    assert loaded.state == {"at": "again"}
    assert len(list(tmp_path.iterdir())) == 3


def test_a_step_that_is_saved_again_never_touches_the_files_it_replaces(tmp_path: Path) -> None:
    _save(tmp_path, 1, keep=KeepPlan(last=1))
    listed = json.loads((tmp_path / "step-00000001.json").read_text())
    with pytest.raises(TypeError):
        _save(tmp_path, 1, state={"no": object()}, keep=KeepPlan(last=1))
    loaded = checkpoint.load(tmp_path)
    assert loaded is not None
    assert loaded.warnings == ()
    _save(tmp_path, 1, keep=KeepPlan(last=1))
    again = json.loads((tmp_path / "step-00000001.json").read_text())
    assert again["tensors"]["name"] != listed["tensors"]["name"]
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("large", ["tensors", "state"])
def test_a_full_disk_is_explained_and_leaves_the_checkpoint_before(
    tmp_path: Path, no_file_over, large: str
) -> None:
    _save(tmp_path, 1)
    with no_file_over(100_000), pytest.raises(EqspecError, match=r"cannot write `.*step-00000002"):
        _save(tmp_path, 2, **{large: {"x": torch.zeros(200_000)}})
    assert not list(tmp_path.glob(".*"))
    loaded = checkpoint.load(tmp_path)
    assert loaded is not None
    assert (loaded.step, loaded.warnings) == (1, ())
    _save(tmp_path, 2)
    assert steps(tmp_path) == (1, 2)


def test_the_digest_sees_names_dtypes_shapes_and_bits() -> None:
    one = {"a": torch.zeros(2, 3), "b": torch.ones(())}
    same = {"b": torch.ones(()), "a": torch.zeros(3, 2).T}
    assert state_digest(one) == state_digest(same)
    others = [
        {"a": torch.zeros(2, 3), "c": torch.ones(())},
        {"a": torch.zeros(3, 2), "b": torch.ones(())},
        {"a": torch.zeros(2, 3), "b": torch.ones((1,))},
        {"a": torch.zeros(2, 3, dtype=torch.int32), "b": torch.ones(())},
        {"a": -torch.zeros(2, 3), "b": torch.ones(())},
        {"a": torch.zeros(2, 3)},
    ]
    assert len({state_digest(tensors) for tensors in (one, *others)}) == 7
