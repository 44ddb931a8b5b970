from __future__ import annotations

import pytest
from rich.text import Text

from eqspec.cli.layout import aligned, duration, large, number


def test_columns_stand_under_one_another() -> None:
    rows = [["a", "1", "first"], ["bcd", "23", "second"], ["e"]]
    assert aligned(rows, indent=1, right=[1]).plain == " a     1  first\n bcd  23  second\n e"


def test_wide_letters_and_styles_take_the_room_they_take() -> None:
    rows = [[Text("写", "bold"), "x"], ["ab", "y"]]
    assert aligned(rows).plain == "写  x\nab  y"


def test_the_last_column_is_wrapped_and_stays_where_it_is() -> None:
    text = aligned([["name", "a sentence that goes on and on"], ["b", "short"]], width=26)
    assert text.plain == "name  a sentence that goes\n      on and on\nb     short"


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.001, "0.001"), (1e-6, "1e-6"), (2048, "2,048"), (30.0, "30"), (1 / 3, "0.333333")],
)
def test_numbers_are_written_short(value: float, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (819_840, "820 k"),
        (2.37e6, "2.37 M"),
        (8.6e7, "86.0 M"),
    ],
)
def test_large_numbers_have_three_digits(value: float, written: str) -> None:
    assert large(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (18_420, "5 h 07 min"),
    ],
)
def test_spans_of_time_are_written_for_people(seconds: float, written: str) -> None:
    assert duration(seconds) == written
