"""What a run folder has lost is named by `run`, `status`, `show` and `audit`; other runs go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eqspec.runs.folder import RunFolder
from tests.trained_runs import Runs


@pytest.fixture
def spec(finished: Runs, copied: Runs) -> str:
    return shutil.copy(finished.root.parent / "toy.yaml", copied.root.parent)


def edit(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    path.write_text("".join(change(path.read_text().splitlines(keepends=True))))


def words(text: str) -> str:
    return " ".join(text.split())


HOLES: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "a step": (lambda rows: [*rows[:1], *rows[2:]], "lacks the rows of step 2"),
    "the beginning": (lambda rows: rows[2:], "lacks the rows of steps 1 to 2"),
    "the end": (lambda rows: rows[:2], "lacks the rows of steps 3 to 4"),
    "a step twice": (lambda rows: [*rows[:2], *rows[1:]], "has two rows of step 2"),
    "a step too late": (
        lambda rows: [*rows[:3], rows[0], *rows[3:]],
        "has the row of step 1 after that of step 3",
    ),
    "everything": (lambda _: [], "lacks the rows of steps 1 to 4"),
}


@pytest.mark.parametrize("hole", HOLES)
def test_a_journal_with_a_hole_is_named_by_all_and_goes_on_with_none(
    copied: Runs, spec: str, hole: str
) -> None:
    change, reported = HOLES[hole]
    (copied.folder() / "record.json").unlink()
    edit(copied.folder() / "metrics.jsonl", change)
    before = (copied.folder() / "metrics.jsonl").read_bytes()
    ran = copied.ask("run", spec)
    assert ran.status == 3
    assert f"metrics.jsonl` {reported}" in ran.err
    assert "help: " in ran.err
    assert (copied.folder() / "metrics.jsonl").read_bytes() == before
    listed = copied.ask("status")
    assert listed.status == 0
    assert reported in words(listed.out)
    assert "finished" in next(
        line for line in listed.out.splitlines() if copied.name("toy-base") in line
    )
    audited = copied.ask("audit", copied.name(), "--level", "L0")
    assert audited.status == 3
    assert reported in words(audited.out)
    assert not audited.last.startswith("next: eqspec run"), "which does not go on"
    assert reported in words(copied.ask("show", copied.name()).out)


@pytest.mark.parametrize("name", ["metrics.jsonl", "timing.jsonl"])
def test_a_lost_journal_is_not_begun_anew(copied: Runs, spec: str, name: str) -> None:
    (copied.folder() / "record.json").unlink()
    (copied.folder() / name).unlink()
    ran = copied.ask("run", spec)
    assert ran.status == 3
    assert f"{name}` is missing, with the rows of steps 1 to 4" in ran.err
    assert not (copied.folder() / name).exists()
    assert f"{name}` is missing" in words(copied.ask("status").out)


def test_a_journal_that_grows_on_after_the_checkpoint_lacks_nothing(
    copied: Runs, spec: str
) -> None:
    """A kill leaves rows after the newest checkpoint, the last of them torn."""
    path = copied.folder() / "metrics.jsonl"
    whole = path.read_bytes()
    (copied.folder() / "record.json").unlink()
    row = json.loads(whole.splitlines()[-1])
    text = json.dumps(row | {"step": 5}, separators=(",", ":"))
    path.write_bytes(whole + f"{text}\n{text[:20]}".encode())
    assert "lacks" not in copied.ask("status").out
    assert copied.ask("run", spec).status == 0
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "trace.json", "checkpoints/step-00000004.safetensors"]
)
@pytest.mark.parametrize("lost", [True, False])
def test_what_a_sealed_run_has_lost_is_named(
    copied: Runs, spec: str, name: str, lost: bool
) -> None:
    path = copied.folder() / name
    if lost:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    reported = f"`{name}` is missing" if lost else f"`{name}` has changed since it was sealed"
    ran = copied.ask("run", spec)
    assert ran.status == 3
    assert reported in ran.err
    assert reported in words(copied.ask("status").out)
    shown = copied.ask("show", copied.name())
    assert name in words(shown.out + shown.err)


def test_a_lost_evaluation_is_found_and_made_anew(copied: Runs, spec: str) -> None:
    (path,) = copied.folder().glob("evaluations/*.step-4.json")
    before = path.read_bytes()
    path.unlink()
    assert f"`evaluations/{path.name}` is missing" in words(copied.ask("status").out)
    audited = copied.ask("audit", copied.name(), "--level", "L0")
    assert audited.status == 3
    assert path.name in audited.out
    assert copied.ask("run", spec).status == 0
    assert path.read_bytes() == before
    assert RunFolder(copied.folder()).verify() == ()


@pytest.mark.parametrize("left", ["record.json", "metrics.jsonl", "checkpoints"])
def test_a_run_without_its_plan_is_listed_and_refused_by_name(
    copied: Runs, spec: str, left: str
) -> None:
    for entry in copied.folder().iterdir():
        if entry.name != left:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    listed = copied.ask("status")
    assert listed.status == 0
    assert f"{copied.name()}" in listed.out
    assert "plan.json` of a run is missing" in words(listed.out)
    assert copied.name("toy-base") in listed.out
    for argv in (("show", copied.name()), ("audit", str(copied.folder())), ("run", spec)):
        refused = copied.ask(*argv)
        assert refused.status == 3, argv
        assert "plan.json` of a run is missing" in refused.err
        assert "help: " in refused.err


def test_a_folder_that_was_never_complete_says_so_and_is_made_anew(copied: Runs, spec: str) -> None:
    for entry in copied.folder().iterdir():
        if entry.name not in {"spec.yaml", "resolved.yaml"}:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    assert "was never complete" in words(copied.ask("status").out)
    assert copied.ask("show", copied.name()).status == 3
    assert copied.ask("run", spec).status == 0
    assert RunFolder(copied.folder()).verify() == ()


@pytest.mark.parametrize("command", ["run", "eval", "gc"])
def test_sealing_that_was_cut_short_is_named_and_finished(
    copied: Runs, spec: str, command: str
) -> None:
    folder = RunFolder(copied.folder())
    (folder.path / "record.sha256").unlink()
    if command == "gc":
        (folder.path / ".left.1.tmp").touch()
    listed = words(copied.ask("status").out)
    assert "sealing was interrupted: `eqspec run " in listed
    audited = copied.ask("audit", copied.name(), "--level", "L0")
    assert audited.status == 3
    assert "sealing was interrupted" in audited.out
    argv = {"run": ("run", spec), "eval": ("eval", copied.name()), "gc": ("gc",)}[command]
    done = copied.ask(*argv)
    assert done.status == 0, done.err
    assert folder.verify() == ()
    assert copied.ask("audit", copied.name(), "--level", "L0").status == 0
    assert "sealing was interrupted" not in copied.ask("status").out


def test_a_line_in_the_log_after_the_seal_spoils_nothing(copied: Runs, spec: str) -> None:
    with (copied.folder() / "log.txt").open("a") as log:
        log.write("2026-01-01 00:00:00  failed: the disk is full\n")
    assert copied.ask("audit", copied.name(), "--level", "L0").status == 0
    assert copied.ask("run", spec).status == 0


def test_a_record_that_was_removed_is_in_the_history_of_the_next(copied: Runs, spec: str) -> None:
    (path,) = copied.folder().glob("evaluations/*.step-4.json")
    path.write_text(path.read_text().replace("0.", "0.9", 1))
    (copied.folder() / "record.json").unlink()
    assert copied.ask("run", spec).status == 0
    record = RunFolder(copied.folder()).record()
    assert record is not None
    assert [one.record_missing for one in record.history] == [True]


def test_a_record_that_is_lost_is_named_until_the_run_is_sealed_anew(
    copied: Runs, spec: str
) -> None:
    (copied.folder() / "record.json").unlink()
    reported = "`record.json` is missing, though `record.sha256` holds its hash"
    assert reported in words(copied.ask("status").out)
    audited = copied.ask("audit", copied.name(), "--level", "L0")
    assert audited.status == 3
    assert "record.json is missing, though" in words(audited.out)
    assert copied.ask("run", spec).status == 0
    assert reported not in words(copied.ask("status").out)
    assert "the record was missing" in words(copied.ask("audit", copied.name()).out)
