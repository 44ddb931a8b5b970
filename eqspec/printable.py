"""Text that moves no cursor, colours no terminal and hides nothing, whoever wrote it.

Names, sentences and error messages may hold what strangers wrote. They are cleaned where text
leaves the process: on the screen (`eqspec.cli.screen`) and in `log.txt` (`eqspec.runs.log`).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable


def printable(text: str) -> str:
    """The text with one letter in the place of each of its letters; newlines stay.

    Controls (escape sequences begin with one), what changes the direction of writing, what takes
    no room, and halves of characters become U+FFFD; blanks of any kind become a blank.
    """
    return _each(text, _stand_in)


def on_one_line(text: str) -> str:
    """As `printable`, with a blank for each newline: a name in a table, or in a sentence."""
    return printable(text).replace("\n", " ")


def printable_json(text: str) -> str:
    """JSON in which such characters, which only its strings can hold, are escaped."""
    return _each(text, lambda letter: json.dumps(letter)[1:-1])


def _each(text: str, stand_in: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter == "\n" else stand_in(letter) for letter in text
    )


def _stand_in(letter: str) -> str:
    is_blank = letter == "\t" or unicodedata.category(letter) == "Zs"
    return " " if is_blank else "\N{REPLACEMENT CHARACTER}"
