from __future__ import annotations

import pytest

from eqspec.report.numbers import distinct, duration, large, measured, number


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
    ("value", "written"),
    [(19.503694534301758, "19.5"), (7.628146e-09, "7.628e-9"), (0.0817421, "0.08174")],
)
def test_what_was_measured_has_four_digits(value: float, written: str) -> None:
    assert measured(value) == written


@pytest.mark.parametrize(
    ("a", "b", "written"),
    [
        (0.25, 0.5, ("0.25", "0.5")),
        (19.503694, 19.503694, ("19.5", "19.5")),
        (19.503694, 19.505, ("19.504", "19.505")),
        (19.503694, 19.5036, ("19.5037", "19.5036")),
        (0.1, 0.1 + 1e-16, ("0.1", "0.1")),
    ],
)
def test_two_numbers_are_distinct_in_as_few_digits_as_it_takes(
    a: float, b: float, written: tuple[str, str]
) -> None:
    assert distinct(a, b) == written


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
