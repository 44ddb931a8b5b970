"""What tests of torture write down is summed by kind, and said where it did not hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.torture.counts import MARKS, collect, table
from tests.torture.conftest import Tally


def write(folder: Path, name: str, **kinds: tuple[int, int]) -> None:
    reported = {k: {"tried": tried, "held": held} for k, (tried, held) in kinds.items()}
    text = json.dumps({"test": name, "seconds": 30.0, "kinds": reported})
    (folder / f"{name}.json").write_text(text)


def test_kinds_are_summed_over_tests(tmp_path: Path) -> None:
    write(tmp_path, "a", kills=(3, 3), flips=(10, 9))
    write(tmp_path, "b", kills=(4, 4))
    found = collect(tmp_path)
    lines = list(table(found))
    assert lines[2:4] == ["| flips | 10 | **9** |", "| kills | 7 | 7 |"]
    assert f"{found.commit[:7]}" in lines[-1]
    assert "1 minutes of tests" in lines[-1]


def test_a_table_replaces_the_one_between_its_marks() -> None:
    page = f"a\n{MARKS.begin}\nold\n{MARKS.end}\nb\n"
    assert MARKS.replaced(page, ["new"]) == f"a\n{MARKS.begin}\nnew\n{MARKS.end}\nb\n"


def test_a_case_that_does_not_hold_is_counted_and_fails_the_test() -> None:
    tally = Tally()
    for name, found in (("a", 1), ("b", 2), ("c", 1)):
        with tally.case("flips", name):
            assert found == 1, "not found"
    assert tally.kinds == {"flips": {"tried": 3, "held": 2}}
    with pytest.raises(AssertionError, match=r"(?s)1 did not hold.*flips: b.*not found"):
        tally.need_all_held()


def test_a_test_of_torture_tries_something() -> None:
    with pytest.raises(AssertionError, match="tries something"):
        Tally().need_all_held()
