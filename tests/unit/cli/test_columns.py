"""Tests of aligned columns: no text is cut, and no line exceeds the width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from eqspec.cli.columns import aligned, side_by_side, wrap

ROWS = [
    ["toy/1a2b3c4d-s0", "finished", "260/260", "r2 encoder rot reflect 0.1907", "32.5 MB"],
    ["toy/1a2b3c4d-s1", "stopped", "10/260", "–", "328 kB"],
]
TITLES = ("run", "state", "step", "last result", "on disk")


def test_columns_are_aligned() -> None:
    rows = [["a", "1", "first"], ["bcd", "23", "second"], ["e"]]
    assert aligned(rows, indent=1, right=[1]).plain == " a     1  first\n bcd  23  second\n e"


def test_wide_letters_and_styles_take_the_room_they_take() -> None:
    rows = [[Text("写", "bold"), "x"], ["ab", "y"]]
    assert aligned(rows).plain == "写  x\nab  y"


def test_the_last_column_is_wrapped_and_stays_where_it_is() -> None:
    text = aligned([["name", "a sentence that goes on and on"], ["b", "short"]], width=30)
    assert text.plain == "name  a sentence that goes on\n      and on\nb     short"


def test_a_last_cell_without_room_goes_below_its_row() -> None:
    rows = [["a name of its own", "a sentence that goes on"], ["b", "short"]]
    below = "a name of its own\n    a sentence that goes on\nb\n    short"
    assert aligned(rows, width=30).plain == below


def test_a_path_longer_than_its_column_goes_below_its_own_row_alone() -> None:
    rows = [["folder", "/a/rather/long/path/of/a/run"], ["seed", "0"]]
    assert aligned(rows, width=32).plain == "folder\n    /a/rather/long/path/of/a/run\nseed    0"


def test_a_table_with_titles_narrows_its_columns_of_text() -> None:
    lines = aligned(ROWS, titles=TITLES, right=[2, 4], width=70).plain.splitlines()
    assert lines[0].split() == ["run", "state", "step", "last", "result", "on", "disk"]
    assert lines[1].split()[3:] == ["r2", "encoder", "rot", "reflect", "32.5", "MB"]
    assert lines[2].split() == ["0.1907"]


def test_a_table_with_titles_aligns_numbers_to_the_right() -> None:
    rows = [["a", "5", "x"], ["b", "1,250", "y"]]
    lines = aligned(rows, titles=("run", "step", "state"), right=[1], width=70).plain.splitlines()
    assert lines == ["run   step  state", "a        5  x", "b    1,250  y"]


def test_where_columns_do_not_fit_a_row_becomes_a_block() -> None:
    lines = aligned(ROWS, titles=TITLES, right=[2, 4], width=44).plain.splitlines()
    assert lines == [
        "toy/1a2b3c4d-s0  state: finished",
        "    step: 260/260",
        "    last result: r2 encoder rot reflect",
        "    0.1907",
        "    on disk: 32.5 MB",
        "toy/1a2b3c4d-s1  state: stopped",
        "    step: 10/260  last result: –",
        "    on disk: 328 kB",
    ]


def test_without_a_width_a_row_is_a_line() -> None:
    assert len(aligned(ROWS, titles=TITLES).plain.splitlines()) == 3


WORDS = st.lists(st.text("abc.0123456789", min_size=1, max_size=14), max_size=9).map(" ".join)


@given(
    st.integers(1, 5).flatmap(
        lambda count: st.tuples(
            st.lists(st.lists(WORDS, min_size=count, max_size=count), min_size=1, max_size=4),
            st.lists(WORDS, min_size=count, max_size=count) | st.just([]),
            st.frozensets(st.integers(0, count - 1)),
        )
    ),
    st.integers(20, 90),
)
def test_no_word_is_cut_or_lost_and_no_line_is_too_long(
    table: tuple[list[list[str]], list[str], frozenset[int]], width: int
) -> None:
    rows, titles, right = table
    plain = aligned(rows, titles=titles, right=right, width=width).plain
    found = [word.removesuffix(":") for word in plain.split()]
    for word in " ".join(cell for row in rows for cell in row).split():
        found.remove(word)
    for line in plain.splitlines():
        assert len(line) <= width or len(line.split()) == 1


def test_styles_survive_wrapping() -> None:
    text = Text("one ") + Text("two three", "bold")
    first, second = wrap(text, width=8)
    assert (first.plain, second.plain) == ("one two", "three")
    assert [span.style for span in second.spans] == ["bold"]


@pytest.mark.parametrize(
    ("room", "blocks"), [(30, [[0, 1, 2]]), (20, [[0, 1], [2]]), (5, [[0], [1], [2]])]
)
def test_columns_that_do_not_fit_beside_one_another_come_in_turn(
    room: int, blocks: list[list[int]]
) -> None:
    assert side_by_side([8, 8, 8], room=room) == blocks
