"""Run folders of strangers: no command ends in a traceback, waits, or reaches beyond the folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command_line import ask
from tests.hostile_files import HARMS
from tests.hostile_runs import beside_a_good_one, need_met, whole_run, within
from tests.trained_runs import Runs

FAST = (
    "plan.json-fifo",
    "plan.json-deep",
    "record.json-digits",
    "environment.json-nan",
    "metrics.jsonl-device",
    "spec.yaml-link",
    "stranger.bin-loop",
    "result-fifo",
    "evaluations-folder-link",
    "data-folder-link",
    "heartbeat-naive",
    "heartbeat-pid",
    "metrics-digits",
    "plan-name-leads-out",
    "plan-evaluation-leads-out",
    "plan-keeps-nothing",
    "plan-origins",
    "record-reason",
)
"""One of each kind; `make torture` tries them all."""


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    with within(120):
        yield


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("two") / "runs"
    whole_run(root, name="good")
    whole_run(root, name="bad")
    return root


@pytest.fixture
def folder(two: Path, tmp_path: Path) -> Path:
    """The run to which harm is done."""
    return beside_a_good_one(two, tmp_path)


@pytest.mark.parametrize("harm", FAST)
def test_it_is_met_with_a_sentence_and_reaches_nothing_else(harm: str, folder: Path) -> None:
    HARMS[harm](folder)
    need_met(harm, folder)


@pytest.mark.parametrize("name", ["log.txt", "metrics.jsonl", "timing.jsonl"])
def test_a_run_that_goes_on_writes_through_no_link(copied: Runs, name: str, tmp_path: Path) -> None:
    victim, folder = tmp_path / "victim.txt", copied.folder()
    victim.write_text("private\n")
    (folder / "record.json").unlink()
    (folder / name).unlink()
    (folder / name).symlink_to(victim)
    answer = ask("run", str(folder))
    assert answer.status in {1, 3}
    assert f"{name}`: it is a link" in answer.err
    assert victim.read_text() == "private\n"


def test_a_checkpoint_names_no_file_of_another_folder(copied: Runs, tmp_path: Path) -> None:
    listed = max((copied.folder() / "checkpoints").glob("*.json"))
    data = json.loads(listed.read_text())
    data["tensors"]["name"] = f"../../../{data['tensors']['name']}"
    listed.write_text(json.dumps(data))
    (copied.folder() / "record.json").unlink()
    spec = tmp_path / "again.yaml"
    text = (copied.folder() / "spec.yaml").read_text()
    spec.write_text(f"{text}\ninit_from: {copied.folder()}\n")
    answer = ask("check", str(spec))
    assert answer.status in {2, 3}
    assert f"{listed.name}` is damaged" in answer.err


def test_checkpoints_may_lie_on_another_disk_but_not_in_another_run(
    copied: Runs, tmp_path: Path
) -> None:
    folder, disk = copied.folder(), tmp_path / "disk"
    shutil.move(folder / "checkpoints", disk)
    (folder / "checkpoints").symlink_to(disk)
    assert copied.ask("audit", str(folder), "--level", "L0").status == 0
    (folder / "checkpoints").unlink()
    (folder / "checkpoints").symlink_to(copied.folder("toy-base") / "checkpoints")
    for command in ("show", "audit"):
        answer = copied.ask(command, str(folder))
        assert answer.status == 3
        assert "is a link into another run" in answer.err
    kept = copied.folder("toy-base") / "checkpoints"
    before = sorted(kept.iterdir())
    assert copied.ask("gc").status == 0
    assert sorted(kept.iterdir()) == before
