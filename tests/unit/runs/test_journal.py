from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from eqspec.errors import EqspecError, FolderMismatch
from eqspec.runs import journal
from eqspec.runs.journal import Journal, Row, latest, read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "metrics.jsonl"


def _fill(path: Path, *, steps: range) -> None:
    with Journal(path) as log:
        for step in steps:
            log.write(step, name="train", values={"loss": 1 / step})


def test_a_row_is_one_compact_line(path: Path) -> None:
    with Journal(path) as log:
        log.write(3, name="train", values={"loss": 0.1, "größe": 2})
    assert path.read_text() == '{"step":3,"name":"train","values":{"loss":0.1,"größe":2.0}}\n'


def test_values_that_json_does_not_have_read_back(path: Path) -> None:
    with Journal(path) as log:
        log.write(1, name="train", values={"a": math.inf, "b": -math.inf, "c": math.nan})
    values = next(read(path)).values
    assert (values["a"], values["b"]) == (math.inf, -math.inf)
    assert math.isnan(values["c"])
    assert '"nan"' in path.read_text()


def test_rows_are_seen_while_the_journal_is_open(path: Path) -> None:
    with Journal(path) as log:
        log.write(1, name="train", values={"loss": 1.0})
        assert list(read(path)) == [Row(step=1, name="train", values={"loss": 1.0})]
        log.sync()


def test_a_journal_that_is_not_there_has_no_rows(path: Path) -> None:
    assert list(read(path)) == []
    assert latest(path) == {}


def test_steps_do_not_go_back(path: Path) -> None:
    _fill(path, steps=range(1, 4))
    with Journal(path) as log:
        log.write(3, name="knn", values={"top1": 0.5})
        with pytest.raises(AssertionError, match="step 2 after step 3"):
            log.write(2, name="train", values={})


def test_rewinding_drops_later_rows_and_goes_on_from_there(path: Path) -> None:
    _fill(path, steps=range(1, 6))
    whole = path.read_bytes()
    with Journal(path) as log:
        log.rewind(2)
        assert [row.step for row in read(path)] == [1, 2]
        for step in (3, 4, 5):
            log.write(step, name="train", values={"loss": 1 / step})
    assert path.read_bytes() == whole


def test_rewinding_to_the_start_empties_the_journal(path: Path) -> None:
    _fill(path, steps=range(1, 4))
    with Journal(path) as log:
        log.rewind(0)
        log.write(1, name="train", values={})
    assert [row.step for row in read(path)] == [1]


@pytest.mark.parametrize("torn", [b'{"step":9', b"\x00" * 50, b'{"step":9}\n', b"\n"])
def test_a_torn_end_is_passed_over_and_dropped(path: Path, torn: bytes) -> None:
    _fill(path, steps=range(1, 4))
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert len(list(read(path))) == 3
    assert latest(path)["train"].step == 3
    with Journal(path):
        pass
    assert path.read_bytes() == whole


def test_damage_in_the_middle_is_named(path: Path) -> None:
    _fill(path, steps=range(1, 4))
    path.write_bytes(path.read_bytes().replace(b'"step":2', b'"step":x'))
    with pytest.raises(FolderMismatch, match=r"metrics.jsonl` is damaged: line 2 is not a row"):
        list(read(path))
    before = path.read_bytes()
    with pytest.raises(FolderMismatch):
        Journal(path)
    assert path.read_bytes() == before


def test_the_latest_rows_come_from_the_end_of_a_long_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal(path) as log:
        log.write(1, name="far", values={})
        for step in range(2, 100):
            log.write(step, name="train", values={"loss": 1 / step})
        log.write(99, name="knn", values={"top1": 0.5})
    assert list(latest(path)) == ["far", "train", "knn"]
    monkeypatch.setattr(journal, "_TAIL_BYTES", 1000)
    assert latest(path) == {
        "train": Row(step=99, name="train", values={"loss": 1 / 99}),
        "knn": Row(step=99, name="knn", values={"top1": 0.5}),
    }


def test_a_full_disk_is_explained_and_costs_only_the_last_row(path: Path, no_file_over) -> None:
    _fill(path, steps=range(1, 4))
    whole = path.read_bytes()
    with Journal(path) as log:
        with no_file_over(len(whole) + 10), pytest.raises(EqspecError, match="cannot write"):
            log.write(4, name="train", values={"loss": 0.25})
        assert path.stat().st_size == len(whole) + 10
    with Journal(path):
        pass
    assert path.read_bytes() == whole
