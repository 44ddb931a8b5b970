"""The log is added to, and never holds half a line for long."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eqspec.errors import EqspecError
from eqspec.runs.folder import RunFolder
from eqspec.runs.log import Log, failed_alike, last_failure
from eqspec.runs.record import Outcome, Status

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  (.*)")


def lines_of(path: Path) -> list[str]:
    """The lines of a log without their times."""
    return [m[1] if (m := LINE.fullmatch(line)) else line for line in path.read_text().splitlines()]


def test_lines_are_added_with_their_time(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    for text in ("begun", "stopped:\nnobody knows why"):
        with Log(path) as log:
            log.write(text)
    assert lines_of(path) == ["begun", "stopped:", " " * 21 + "nobody knows why"]


def test_a_torn_line_gets_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("2026-01-01 00:00:00  half of a li")
    with Log(path) as log:
        log.write("begun")
    assert lines_of(path) == ["half of a li", "begun"]


def test_a_seal_lets_the_log_grow_and_covers_it(folder: RunFolder) -> None:
    with Log(folder.log) as log:
        log.write("begun")
    folder.seal(Outcome(status=Status.FINISHED, step=10))
    with Log(folder.log) as log:
        log.write("judged")
    assert folder.verify() == ()
    folder.seal(Outcome(status=Status.FINISHED, step=10))
    assert folder.verify() == ()


def test_a_log_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "log.txt").mkdir()
    with pytest.raises(EqspecError, match="cannot write"):
        Log(tmp_path / "log.txt")


def test_a_retry_that_fails_alike_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    assert not failed_alike(path)
    for text, alike in (
        ("failed: nan at step 3\nand more", False),
        ("continues from step 2", False),
        ("failed: nan at step 3\nand more", True),
        ("failed: nan at step 4", False),
    ):
        with Log(path) as log:
            log.write(text)
        assert failed_alike(path) is alike
    assert last_failure(path) == "nan at step 4"
