"""A number edited in a sealed run is met by every command that reads it, and printed by none."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

import eqspec
from eqspec.errors import FolderMismatch
from eqspec.runs.artifacts import sha256_of
from eqspec.runs.folder import RunFolder
from tests.command_line import ask
from tests.toy_specs import toy_text
from tests.trained_runs import BACKBONE, Runs

if TYPE_CHECKING:
    from pathlib import Path

FALSE = 0.98765
"""What a number is edited to."""


@pytest.fixture
def spec(finished: Runs, copied: Runs) -> str:
    return shutil.copy(finished.root.parent / "toy.yaml", copied.root.parent)


def result(runs: Runs, *, step: int = 4) -> Path:
    (path,) = runs.folder().glob(f"evaluations/*.step-{step}.json")
    return path


def edit(path: Path) -> None:
    """Changes every value of a stored result, and nothing else."""
    stored = json.loads(path.read_text())
    for metric in stored["metrics"]:
        metric["value"] = FALSE
    path.write_text(json.dumps(stored, indent=2))


def edit_journal(runs: Runs) -> None:
    path = runs.folder() / "metrics.jsonl"
    path.write_text(path.read_text().replace('"loss":', '"loss":9', 1))


CHANGED = "has changed since it was sealed"


@pytest.mark.parametrize("argv", [("show", "toy/"), ("diff", "toy-base/", "toy/")])
def test_who_reads_one_run_refuses_it(copied: Runs, argv: tuple[str, ...]) -> None:
    edit(result(copied))
    answer = copied.ask(*(copied.name(a.strip("/")) if a.endswith("/") else a for a in argv))
    assert answer.status == 3
    assert f"{result(copied).name}` {CHANGED}" in answer.err
    assert f"help: `eqspec eval {copied.folder()}`" in answer.err
    assert "0.98" not in answer.out


@pytest.mark.parametrize("argv", [("show", "toy/"), ("diff", "toy-base/", "toy/")])
def test_so_do_they_with_an_edited_journal(copied: Runs, argv: tuple[str, ...]) -> None:
    edit_journal(copied)
    answer = copied.ask(*(copied.name(a.strip("/")) if a.endswith("/") else a for a in argv))
    assert answer.status == 3
    assert f"metrics.jsonl` {CHANGED}" in answer.err


def test_status_marks_the_run_and_shows_the_others(copied: Runs) -> None:
    edit(result(copied))
    answer = copied.ask("status")
    assert answer.status == 0
    rows = {line.split()[0]: line for line in answer.out.splitlines() if "/4" in line}
    assert "not shown" in rows[copied.name()]
    assert "r2 rot reflect" in rows[copied.name("toy-base")]
    assert CHANGED in " ".join(answer.out.split())
    assert "0.98" not in answer.out
    (found,) = (one for one in copied.ask("status", "--json").data["runs"] if one["refused"])
    assert (found["run"]["name"], found["summary"]) == (copied.name(), None)


def test_status_names_a_missing_result_once_and_the_audit(copied: Runs) -> None:
    path = result(copied)
    path.unlink()
    answer = copied.ask("status")
    assert " ".join(answer.out.split()).count(path.name) == 1
    assert answer.last == f"next: eqspec audit {copied.name()} --runs {copied.root}"
    audit = copied.ask("audit", copied.name(), "--level", "L0")
    assert (audit.status, path.name in audit.out) == (3, True)


@pytest.mark.parametrize("command", ["run", "eval"])
def test_who_goes_on_evaluates_anew_with_a_word(copied: Runs, spec: str, command: str) -> None:
    before, record = result(copied).read_bytes(), sha256_of(copied.folder() / "record.json")
    edit(result(copied))
    done = copied.ask(command, spec if command == "run" else copied.name())
    assert done.status == 0, done.err
    assert f"after step 4 again (`{result(copied).name}` {CHANGED})" in done.err
    assert "0.98" not in done.out
    assert result(copied).read_bytes() == before
    assert RunFolder(copied.folder()).verify() == ()
    assert sha256_of(copied.folder() / "record.json") != record, "it was sealed again"


def test_so_does_a_study(copied: Runs, spec: str) -> None:
    edit(result(copied))
    planned = copied.ask("ablate", spec, "--grid", "variant", "--dry-run", "--json").data
    assert sorted(one["mark"] for one in planned["runs"]) == ["=", "~"]
    done = copied.ask("ablate", spec, "--grid", "variant")
    assert done.status == 0, done.err
    assert CHANGED in done.err
    assert "0.98" not in done.out


def test_a_removed_record_makes_no_edited_number_true(copied: Runs, spec: str) -> None:
    before = result(copied).read_bytes()
    edit(result(copied))
    (copied.folder() / "record.json").unlink()
    shown = copied.ask("show", str(copied.folder()))
    assert shown.status == 3
    assert f"{result(copied).name}` is damaged" in shown.err
    done = copied.ask("run", spec)
    assert done.status == 0, done.err
    assert f"again (`{result(copied).name}` is damaged" in done.err
    assert result(copied).read_bytes() == before


def test_a_result_of_another_run_or_step_is_none_of_this_one(copied: Runs) -> None:
    (copied.folder() / "record.json").unlink()
    whole = result(copied).read_bytes()
    for other in (
        result(copied, step=0),
        next(copied.folder("toy-base").glob("evaluations/*.json")),
    ):
        shutil.copy(other, result(copied))
        answer = copied.ask("show", str(copied.folder()))
        assert (answer.status, "is damaged" in answer.err) == (3, True)
    result(copied).write_bytes(whole)
    assert copied.ask("show", str(copied.folder())).status == 0


def test_a_result_that_was_added_or_taken_away_is_named(copied: Runs) -> None:
    added = result(copied).with_name("knn-00000000.step-4.json")
    shutil.copy(result(copied), added)
    answer = copied.ask("show", copied.name())
    assert answer.status == 3
    assert f"{added.name}` was added after the folder was sealed" in answer.err
    refused = copied.ask("eval", copied.name())
    assert refused.status == 3, "a seal would make it a result of this run"
    added.unlink()
    result(copied).unlink()
    answer = copied.ask("show", copied.name())
    assert answer.status == 3
    assert "is missing" in answer.err


def test_going_on_hides_no_other_change(copied: Runs, spec: str) -> None:
    """A result is made anew; what is not (the journal) stops it, and stays as it was found."""
    edit(result(copied))
    edit_journal(copied)
    for argv in (("run", spec), ("eval", copied.name())):
        answer = copied.ask(*argv)
        assert answer.status == 3
        assert f"`metrics.jsonl` {CHANGED}" in answer.err
    assert RunFolder(copied.folder()).record() is not None
    assert "0.98765" in result(copied).read_text()


def test_a_stop_before_the_new_result_seals_nothing(
    copied: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    edit(result(copied))
    monkeypatch.setattr("eqspec.commands.running.evaluator.Evaluator.evaluate", stopped)
    copied.ask("eval", copied.name())
    assert copied.ask("show", copied.name()).status == 3


def test_a_result_added_by_an_evaluation_that_was_killed_is_sealed_by_the_next(
    copied: Runs, spec: str
) -> None:
    folder = copied.folder()
    kept = shutil.copytree(folder, copied.root.parent / "kept")
    assert copied.ask("eval", copied.name(), "--use", "effective-rank").status == 0
    for name in ("record.json", "record.sha256"):  # as the kill would have left them
        shutil.copy(kept / name, folder / name)
    assert copied.ask("show", copied.name()).status == 3
    assert copied.ask("run", spec).status == 0
    assert copied.ask("show", copied.name()).status == 0
    assert copied.ask("audit", copied.name(), "--level", "L0").status == 0


@pytest.mark.parametrize("command", ["eval", "load", "init_from", "init"])
def test_a_checkpoint_that_was_exchanged_is_not_used(
    copied: Runs, tmp_path: Path, command: str
) -> None:
    """Weights, state and the file that lists them all taken from another run: whole by itself."""
    for path in copied.folder("toy-base").glob("checkpoints/step-00000004*"):
        shutil.copy(path, copied.folder() / "checkpoints" / path.name)
    with pytest.raises(FolderMismatch, match=f"step-00000004.json` {CHANGED}"):
        eqspec.load(copied.folder(), device="cpu")
    if command == "load":
        return
    if command == "eval":
        answer = copied.ask("eval", copied.name(), "--use", "effective-rank")
        assert answer.status == 3
    else:
        weights = copied.folder() / "checkpoints" / "step-00000004.safetensors"
        given = copied.folder() if command == "init_from" else weights
        answer = ask("check", _starting_from(given, below=tmp_path))
        assert answer.status == 2
    assert "has changed since" in answer.err


def _starting_from(weights: Path, *, below: Path) -> str:
    spec = below / "second.yaml"
    text = toy_text(
        "vicreg", equivariance="none", backbone=BACKBONE, extra='machine: {compile: "off"}'
    )
    spec.write_text(f"init_from: {weights}\n{text}")
    return str(spec)


def test_from_python_too(copied: Runs) -> None:
    run = eqspec.load(copied.folder(), device="cpu")
    edit(result(copied))
    edit_journal(copied)
    with pytest.raises(FolderMismatch, match=CHANGED):
        _ = run.results
    with pytest.raises(FolderMismatch, match=CHANGED):
        _ = run.metrics
