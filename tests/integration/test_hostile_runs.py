"""Run folders of strangers: no command ends in a traceback, waits, or reaches beyond the folder."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile_files import HARMS, statuses_of, whole_run
from tests.made_runs import Answer, Runs, ask

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
    "heartbeat-naive",
    "heartbeat-pid",
    "metrics-digits",
    "plan-name-leads-out",
    "plan-evaluation-leads-out",
    "plan-keeps-nothing",
    "plan-origins",
    "record-reason",
)
"""One of each kind; the whole table is slow."""

CASES = [
    pytest.param(name, marks=() if name in FAST else pytest.mark.slow, id=name) for name in HARMS
]


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """A test that waits for ever fails."""

    def late(*_: object) -> None:
        raise AssertionError("it waits")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("two") / "runs"
    whole_run(root, name="good")
    whole_run(root, name="bad")
    return root


@pytest.fixture
def folder(two: Path, tmp_path: Path) -> Path:
    """The run to which harm is done, beside a good one and what is somebody else's."""
    shutil.copytree(two, tmp_path / "runs")
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file.txt").write_text("private\n")
    (path,) = (tmp_path / "runs" / "bad").iterdir()
    return path


def _answers(folder: Path) -> dict[str, Answer]:
    runs = str(folder.parents[1])
    good = str(folder.parents[1] / "good" / folder.name)
    commands = {
        "status": ("status", "--runs", runs),
        "show": ("show", str(folder), "--runs", runs),
        "audit": ("audit", str(folder), "--level", "L0", "--runs", runs),
        "diff": ("diff", str(folder), good, "--runs", runs),
        "explain": ("explain", str(folder)),
        "gc": ("gc", "--runs", runs),
    }
    return {name: ask(*command) for name, command in commands.items()}


@pytest.mark.parametrize("harm", CASES)
def test_it_is_met_with_a_sentence_and_reaches_nothing_else(harm: str, folder: Path) -> None:
    HARMS[harm](folder)
    answers = _answers(folder)
    told = tuple(answers[name].status for name in ("show", "audit", "diff", "explain"))
    assert told == statuses_of(harm)
    assert (answers["status"].status, answers["gc"].status) == (0, 0)
    assert "good/" in answers["status"].out, "one bad run hides the others"
    # Without a file `plan.json` it is no run at all.
    assert "bad/" in answers["status"].out or harm == "plan.json-folder"
    for answer in answers.values():
        assert not {"\x1b", "\x07", "\u202e"} & set(answer.out + answer.err)
        assert "private" not in answer.out + answer.err
        assert answer.status == 0 or "bad" in answer.err + answer.out
    victim = folder.parents[2] / "victim"
    assert [path.name for path in victim.iterdir()] == ["file.txt"]
    assert (victim / "file.txt").read_text() == "private\n"


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
