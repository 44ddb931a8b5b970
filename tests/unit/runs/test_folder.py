from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from eqspec.errors import FolderMismatch
from eqspec.runs.environment import Environment
from eqspec.runs.folder import RunFolder, State, folder_path
from eqspec.runs.journal import Journal
from eqspec.runs.record import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from eqspec.runs.folder import Opening


def test_a_run_has_its_place(folder: RunFolder, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    identity = folder.identity()
    assert folder_path(runs, identity=identity) == folder.path
    assert folder_path(runs, identity=identity, repeat=2).name == "7f3a9c21-s0.2"


def test_what_a_folder_was_made_from_reads_back(
    folder: RunFolder, opening: Callable[..., Opening], environment: Environment
) -> None:
    assert (folder.path / "spec.yaml").read_text() == opening().spec
    assert (folder.path / "resolved.yaml").read_text() == opening().resolved
    assert json.loads((folder.path / "trace.json").read_text()) == opening().trace
    assert folder.plan() == opening().plan
    text = (folder.path / "environment.json").read_text()
    assert Environment.model_validate_json(text) == environment
    assert RunFolder.open(folder.path) == folder


def test_nothing_lies_outside_the_folder(folder: RunFolder) -> None:
    places = (folder.metrics, folder.timing, folder.log, folder.report)
    assert {path.name for path in places} == {
        "metrics.jsonl",
        "timing.jsonl",
        "log.txt",
        "report.html",
    }
    above = {path.parent for path in (*places, folder.checkpoints, folder.evaluations)}
    assert above == {folder.path}


def test_a_run_is_not_written_over(folder: RunFolder, opening: Callable[..., Opening]) -> None:
    with pytest.raises(FolderMismatch, match="already contains a run"):
        RunFolder.create(folder.path, opening=opening(seed=1))
    assert folder.identity().seed == 0


@pytest.mark.parametrize("left", ["record", "journal", "checkpoint"])
def test_a_run_that_has_lost_its_plan_is_not_written_over(
    folder: RunFolder, opening: Callable[..., Opening], left: str
) -> None:
    if left == "record":
        folder.seal(Outcome(status=Status.FINISHED, step=0))
    elif left == "journal":
        folder.metrics.write_text("{}\n")
    else:
        folder.checkpoints.mkdir()
        (folder.checkpoints / "step-00000001.json").write_text("{}")
    (folder.path / "plan.json").unlink()
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    with pytest.raises(FolderMismatch, match=r"plan\.json` of a run is missing"):
        RunFolder.create(folder.path, opening=opening())
    assert before == {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}


def test_a_folder_whose_making_was_cut_short_is_made_again(
    folder: RunFolder, opening: Callable[..., Opening]
) -> None:
    (folder.path / "plan.json").unlink()
    with pytest.raises(FolderMismatch, match="was never complete"):
        RunFolder.open(folder.path)
    assert RunFolder.create(folder.path, opening=opening()).state() is State.NEW


def test_a_plan_without_an_identity_makes_no_folder(
    tmp_path: Path, opening: Callable[..., Opening]
) -> None:
    with pytest.raises(ValidationError, match="recipe"):
        RunFolder.create(tmp_path / "run", opening=opening(recipe="short"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("text", ["{", '{"name": "x"}'])
def test_a_damaged_plan_is_named(folder: RunFolder, text: str) -> None:
    (folder.path / "plan.json").write_text(text)
    with pytest.raises(FolderMismatch, match=r"plan.json` is damaged"):
        folder.identity()


def test_a_plan_that_is_not_json_is_named(folder: RunFolder) -> None:
    (folder.path / "plan.json").write_text("{")
    with pytest.raises(FolderMismatch, match="is damaged"):
        folder.plan()


def test_states_follow_the_life_of_a_run(folder: RunFolder) -> None:
    assert folder.state() is State.NEW
    with folder.hold(), Journal(folder.metrics) as journal:
        assert folder.state() is State.RUNNING
        journal.write(1, name="train", values={"loss": 1.0})
    assert folder.state() is State.INTERRUPTED
    folder.seal(Outcome(status=Status.FAILED, step=1, reason="the loss is nan"))
    assert folder.state() is State.FAILED
    folder.unseal()
    assert folder.state() is State.INTERRUPTED
    folder.seal(Outcome(status=Status.FINISHED, step=10))
    assert folder.state() is State.FINISHED


def test_a_run_with_an_empty_journal_is_new_and_one_with_a_checkpoint_is_not(
    folder: RunFolder,
) -> None:
    folder.metrics.touch()
    assert folder.state() is State.NEW
    folder.checkpoints.mkdir()
    (folder.checkpoints / "step-00000001.json").touch()
    assert folder.state() is State.INTERRUPTED


def test_the_guard_lets_the_same_run_on(folder: RunFolder) -> None:
    folder.guard(recipe=folder.identity().recipe, seed=0)


def test_the_guard_refuses_another_run_and_says_what_differs(folder: RunFolder) -> None:
    with pytest.raises(FolderMismatch) as caught:
        folder.guard(recipe="b702aaaabbbb", seed=1, differences=["equivariance.lambda: 0.1 → 0.3"])
    assert caught.value.message.splitlines()[1:] == [
        "  recipe 7f3a9c21 → b702aaaa",
        "  seed 0 → 1",
        "  equivariance.lambda: 0.1 → 0.3",
    ]
    assert caught.value.exit_status == 3


@pytest.mark.parametrize(("other", "expected"), [("recipe", "seed"), ("seed", "recipe")])
def test_the_guard_names_only_what_differs(folder: RunFolder, other: str, expected: str) -> None:
    mine = folder.identity()
    asked = {"recipe": mine.recipe, "seed": mine.seed}
    asked[other] = {"recipe": "b702aaaabbbb", "seed": 1}[other]
    with pytest.raises(FolderMismatch) as caught:
        folder.guard(**asked)
    assert f"  {other} " in caught.value.message
    assert f"  {expected} " not in caught.value.message


def test_the_fingerprint_of_the_data_is_recorded_once(folder: RunFolder) -> None:
    assert folder.record_data("9c1e") == "9c1e"
    assert json.loads((folder.path / "environment.json").read_text())["data"] == "9c1e"
    assert folder.record_data("77aa") == "9c1e"
