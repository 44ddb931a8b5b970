"""`eqspec audit --suite`: all runs of a folder in one table."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.command_line import ask

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trained_runs import Runs

WIDTHS = (60, 80, 120)


@pytest.fixture
def damaged(copied: Runs) -> Runs:
    """Beside two whole runs, one that has lost its plan, one that was edited, one unsealed."""
    done = copied.folder()
    for seed in ("7", "8", "9"):
        shutil.copytree(done, done.with_name(f"{done.name[:-1]}{seed}"))
    (done.with_name(f"{done.name[:-1]}7") / "plan.json").unlink()
    (done.with_name(f"{done.name[:-1]}8") / "trace.json").unlink()
    for name in ("record.json", "record.sha256"):
        (done.with_name(f"{done.name[:-1]}9") / name).unlink()
    return copied


def rows(text: str) -> dict[str, list[str]]:
    """The rows of the table, by the last character of the run's name and whether it is the base."""
    lines = [re.split(r" {2,}", line.strip()) for line in text.splitlines()]
    return {cells[0]: cells[1:] for cells in lines if re.match(r"toy.*/", cells[0])}


def test_all_runs_hold_at_the_cheap_levels(finished: Runs) -> None:
    answer = finished.ask("audit", "--suite")
    assert answer.status == 0, answer.out
    whole = ["holds", "holds", "not asked", "not asked"]
    names = [finished.name(), finished.name("toy-base")]
    assert rows(answer.out) == dict.fromkeys(sorted(names), whole)
    assert "2 runs: 2 hold, 0 do not, 0 cannot be checked." in answer.out
    shown = [line.partition(" ") for line in answer.err.splitlines()[:2]]
    assert [at for at, _, _ in shown] == ["1/2", "2/2"]
    assert {name for _, _, name in shown} == set(names)
    assert "first reasons" not in answer.out
    assert answer.last.startswith("next: eqspec status")


def test_a_deeper_level_is_asked_for_and_each_run_has_all_findings(finished: Runs) -> None:
    answer = finished.ask("audit", "--suite", "--level", "L2", "--steps", "2", "--json")
    data = answer.data
    assert (answer.status, data["holds"], data["requested"]) == (0, True, "L2")
    for one in data["runs"]:
        assert one["levels"] == {"L0": True, "L1": True, "L2": True}
        assert "the first 2 steps" in one["findings"][-1]["message"]
        assert one["unreadable"] is None


def test_a_run_that_cannot_be_read_hides_no_other(damaged: Runs) -> None:
    answer = damaged.ask("audit", "--suite", "--level", "L0", "--json")
    assert (answer.status, answer.data["holds"]) == (3, False)
    by_end = {one["name"][-1]: one for one in answer.data["runs"] if "base" not in one["name"]}
    assert {end: one["levels"]["L0"] for end, one in by_end.items()} == {
        "0": True,
        "7": None,
        "8": False,
        "9": None,
    }
    assert "plan.json" in by_end["7"]["unreadable"]
    assert [one["holds"] for one in answer.data["runs"] if "base" in one["name"]] == [True]


def test_the_first_reason_of_each_run_is_shown(
    damaged: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    answer = damaged.ask("audit", "--suite", "--level", "L0")
    assert answer.status == 3
    table, _, reasons = answer.out.partition("first reasons")
    found = {name[-1]: cells for name, cells in rows(table).items() if "base" not in name}
    why = {name[-1]: " ".join(cells) for name, cells in rows(reasons).items()}
    asked_no_more = ["not asked"] * 3
    assert found == {
        "0": ["holds", *asked_no_more],
        "7": ["unknown", *asked_no_more],
        "8": ["does not", *asked_no_more],
        "9": ["unknown", *asked_no_more],
    }
    assert why.keys() == {"7", "8", "9"}
    assert why["7"].startswith("cannot be read: ")
    assert why["8"] == "files: 1 difference from the seal"
    assert why["9"].startswith("files: not sealed")
    assert "5 runs: 2 hold, 1 does not, 2 cannot be checked." in answer.out
    assert re.search(r"next: eqspec audit toy/\S+-s7 .*--level L0$", answer.last)


def test_the_table_fits_and_loses_no_word(damaged: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    wide = damaged.ask("audit", "--suite", "--level", "L0")
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        narrow = damaged.ask("audit", "--suite", "--level", "L0")
        lines = [line for line in narrow.out.splitlines() if len(line.split()) > 1]
        assert max(map(len, lines)) <= width
        # Narrow blocks repeat the titles, with a colon.
        words = {word.strip(":") for word in narrow.out.split()}
        assert {word.strip(":") for word in wide.out.split()} - {"run"} <= words


def test_a_suite_and_one_run_exclude_each_other(finished: Runs) -> None:
    answer = ask("audit", str(finished.root), "--suite")
    assert (answer.status, answer.out) == (2, "")
    assert answer.last == f"next: eqspec audit --suite --runs {finished.root}"
    answer = finished.ask("audit", "--suite", "--against", "x")
    assert (answer.status, answer.out) == (2, "")
    assert "`--against` compares one run" in answer.err


def test_without_a_run_the_suite_is_named(finished: Runs) -> None:
    answer = finished.ask("audit")
    assert answer.status == 2
    assert "Missing argument 'RUN'" in answer.err
    assert "eqspec audit --suite" in answer.err


def test_no_run_is_no_success(tmp_path: Path) -> None:
    answer = ask("audit", "--suite", "--runs", str(tmp_path / "none"))
    assert answer.status == 2
    assert "there are no runs in" in answer.err


def test_data_of_one_run_may_be_named_for_all(finished: Runs, tmp_path: Path) -> None:
    where = ("--data", f"cifar10={tmp_path}")
    assert finished.ask("audit", "--suite", "--level", "L0", *where).status == 0
    answer = finished.ask("audit", "--suite", "--level", "L0", "--data", f"cifer10={tmp_path}")
    assert answer.status == 2
    assert "did you mean `cifar10`?" in answer.err


def test_what_differs_is_named_before_what_cannot_be_checked(copied: Runs) -> None:
    for name in ("record.json", "record.sha256"):
        (copied.folder() / name).unlink()
    path = copied.folder() / "environment.json"
    environment = json.loads(path.read_text())
    path.write_text(json.dumps(environment | {"source": "1" * 64}))
    answer = copied.ask("audit", "--suite")
    table, _, reasons = answer.out.partition("first reasons")
    assert rows(table)[copied.name()][:2] == ["unknown", "does not"]
    assert rows(reasons)[copied.name()] == ["code: the code of eqspec differs"]
