"""Tests of parsing durations."""

from __future__ import annotations

import pytest

from eqspec.cli.time_limit import seconds_of
from eqspec.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("11h", 39600),
        ("90m", 5400),
        ("2d", 172800),
        ("45s", 45),
        ("12h30m", 45000),
        (" 1d1s ", 86401),
    ],
)
def test_lengths_are_read(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0h", "11", "h", "1.5h", "-1h", "1h 2", "30m12h", "\u0661h"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        seconds_of(text)


def test_a_bare_number_is_asked_of_what() -> None:
    with pytest.raises(UsageError) as caught:
        seconds_of("11")
    assert caught.value.help == "give a number and a unit, as in `11h`, `11m` or `11s`"
