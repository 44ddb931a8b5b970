"""No letter that strangers wrote does anything but stand there."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eqspec.printable import on_one_line, printable, printable_json

MOVING = ("\x1b", "\x07", "\x9b", "\r", "\x7f", "\u202e", "\u2066", "\u200b", "\u2028", "\ud800")
"""Escapes, the bell, a C1 control, a return, a delete, directions, no room, a line, a half."""


@pytest.mark.parametrize("letter", MOVING, ids=ascii)
def test_what_moves_hides_or_turns_is_replaced(letter: str) -> None:
    assert printable(f"a{letter}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_words_of_any_language_and_newlines_stay() -> None:
    text = "λ = 1, größer, 変換\n図 −½ 🐈"
    assert printable(text) == text
    assert on_one_line("two\nlines") == "two lines"
    assert printable("tab\tand\xa0blank") == "tab and blank"


@given(st.text())
def test_there_is_a_letter_for_each_letter(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(letter.isprintable() or letter == "\n" for letter in shown)


@given(st.dictionaries(st.text(), st.text()))
def test_json_keeps_its_meaning(data: dict[str, str]) -> None:
    text = printable_json(json.dumps(data, indent=2, ensure_ascii=False))
    assert json.loads(text) == data
    assert all(letter.isprintable() or letter == "\n" for letter in text)
