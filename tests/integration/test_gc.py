"""`eqspec gc`: what goes, what stays, and that a sealed run stays sealed."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder
from eqspec.runs.live import features_folder
from eqspec.runs.record import Outcome, RunRecord

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trained_runs import Runs


@pytest.fixture
def littered(copied: Runs) -> Runs:
    """A sealed run with one checkpoint too many, and a file of a killed write."""
    folder = RunFolder.open(copied.folder())
    record = folder.record()
    assert record is not None
    newest = checkpoint.steps(folder.checkpoints)[-1]
    with folder.hold():
        folder.unseal()
        for path in list(folder.checkpoints.glob(f"step-{newest:08d}*")):
            older = path.name.replace(f"{newest:08d}", f"{1:08d}")
            shutil.copy(path, path.with_name(older))
        stated = folder.checkpoints / "step-00000001.json"
        contents = json.loads(stated.read_text())
        contents["step"] = 1
        for part in ("tensors", "state"):
            name = contents[part]["name"]
            contents[part]["name"] = name.replace(f"{newest:08d}", f"{1:08d}")
        stated.write_text(json.dumps(contents))
        folder.seal(_outcome(record), changed=("checkpoints/",))
    (folder.path / ".plan.json.77.tmp").write_text("half a pl")
    assert folder.verify() == ()
    return copied


def test_dry_run_says_what_would_go_and_changes_nothing(littered: Runs) -> None:
    before = _bytes(littered.root)
    answer = littered.ask("gc", "--dry-run")
    assert (answer.status, _bytes(littered.root)) == (0, before)
    text = " ".join(answer.out.split())
    assert "checkpoints of steps 1 (keep: last 2)" in text
    assert "left by killed writes: .plan.json.77.tmp" in text
    assert answer.last == f"next: eqspec gc --runs {littered.root}"


def test_features_of_a_killed_evaluation_go(copied: Runs) -> None:
    folder = features_folder(copied.folder())
    (folder / "trained").mkdir(parents=True)
    (folder / "trained" / "0.f32").write_bytes(bytes(400))
    assert copied.ask("gc", "--json").data["freed"][0]["bytes"] == 400
    assert not folder.exists()


def test_removes_it_and_seals_the_folder_again(littered: Runs) -> None:
    folder = RunFolder.open(littered.folder())
    before = folder.record()
    data = littered.ask("gc", "--json").data
    assert data["freed"][0]["steps"] == [1]
    assert data["bytes"] > 0
    assert 1 not in checkpoint.steps(folder.checkpoints)
    assert not list(folder.path.glob(".*.tmp"))
    assert folder.verify() == ()
    after = folder.record()
    assert before is not None
    assert after is not None
    assert (after.finished, after.status) == (before.finished, before.status)
    assert littered.ask("gc", "--json").data["freed"] == []


def test_leaves_a_running_run_and_a_damaged_one_alone(littered: Runs) -> None:
    with RunFolder.open(littered.folder()).hold():
        littered.folder().joinpath(".x.1.tmp").touch()
        before = _bytes(littered.folder())
        (skipped,) = littered.ask("gc", "--json").data["skipped"]
        assert "writes to it" in skipped["reason"]
        assert _bytes(littered.folder()) == before
    (littered.folder() / "spec.yaml").write_text("other")
    (skipped,) = littered.ask("gc", "--json").data["skipped"]
    assert "not as it was sealed: `spec.yaml`" in skipped["reason"]
    assert 1 in checkpoint.steps(littered.folder() / "checkpoints")


def _outcome(record: RunRecord) -> Outcome:
    return Outcome(status=record.status, step=record.step, time=record.finished)


def _bytes(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".live" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
