"""Replace control and invisible characters, so that text is safe to print on a terminal.

Names, card texts and error messages may come from untrusted files. They are cleaned where text
leaves the process: on the screen (`eqspec.cli.screen`) and in `log.txt` (`eqspec.runs.log`).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable


def printable(text: str) -> str:
    """Return the text with every unprintable character replaced; newlines are kept.

    Control characters (which start escape sequences), marks that change the writing direction,
    zero-width characters and lone surrogates become U+FFFD; any other white space becomes a space.
    The number of characters does not change.
    """
    return _replaced(text, _replacement)


def on_one_line(text: str) -> str:
    """Return printable text with spaces for newlines, for use in a table or a sentence."""
    return printable(text).replace("\n", " ")


def printable_json(text: str) -> str:
    """Return JSON text with every unprintable character escaped; only strings can contain one."""
    return _replaced(text, lambda char: json.dumps(char)[1:-1])


def _replaced(text: str, replacement: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else replacement(char) for char in text
    )


def _replacement(char: str) -> str:
    is_space = char == "\t" or unicodedata.category(char) == "Zs"
    return " " if is_space else "\N{REPLACEMENT CHARACTER}"
