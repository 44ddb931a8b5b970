r"""Patterns of tensor names in layouts: regular expressions with bounded running time.

    teacher/(module[.])?backbone[.]    letters, digits, `_ - / : , =`, groups, `|` and `?`
    [.]  [A-Z0-9_]  \d  \w  \.  .      single characters
    .*  \w+  ^  $                      repeats of single characters, and the two ends

A repeated group, as in `(a+)+`, and long sequences of choices can take exponential time, so both
are refused when a card is read. Names longer than `LONGEST_NAME` match no pattern.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

LONGEST_NAME = 256
"""Longest name in characters; names in known models have fewer than 100."""

_MOST_REPEATS = 2
_MOST_CHOICES = 4
_LONGEST = 300
_MOST_DIGITS = 2

_TOKEN = re.compile(
    r"(?P<single>[A-Za-z0-9_/:,= -]|\[\^?[A-Za-z0-9_./:-]+\]|\\[dw.]|\.)"
    r"|(?P<open>\()|(?P<close>\))|(?P<or>\|)|(?P<end>[\^$])|(?P<many>[*+])|(?P<maybe>\?)"
)


def need_pattern(text: str) -> str:
    """Return the text after checking that it is a pattern as defined in this module.

    Raises:
        ValueError: when it is not; the message explains why.
    """
    if len(text) > _LONGEST:
        raise ValueError(
            f"a pattern has at most {_LONGEST} characters, but this one has {len(text)}"
        )
    kinds = _kinds(text)
    for before, kind in zip(["", *kinds], kinds, strict=False):
        if kind == "many" and before != "single":
            raise ValueError(f"`{text}`: `*` and `+` may only follow a single character")
        if kind == "maybe" and before not in {"single", "close"}:
            raise ValueError(f"`{text}`: `?` may only follow a single character or a group")
    if kinds.count("many") > _MOST_REPEATS:
        raise ValueError(f"`{text}` has more than {_MOST_REPEATS} of `*` and `+`")
    if kinds.count("maybe") + kinds.count("or") > _MOST_CHOICES:  # each may double the work
        raise ValueError(f"`{text}` has more than {_MOST_CHOICES} of `?` and `|`")
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"`{text}` is not a valid pattern: {error}") from None
    return text


def _kinds(text: str) -> list[str]:
    kinds: list[str] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"`{text}`: unsupported syntax at `{text[at:]}`")
        kinds.append(str(token.lastgroup))
        at = token.end()
    return kinds


Pattern = Annotated[str, AfterValidator(need_pattern)]
"""Pattern as defined in this module."""


def need_replacement(pattern: str, text: str) -> None:
    r"""Check a replacement, for example that `\2` is not used with only one group.

    Raises:
        ValueError: with the pattern and the replacement.
    """
    if not pattern.startswith("^") and _kinds(pattern).count("many") > 1:
        raise ValueError(f"`{pattern}` has more than one `*` or `+`, so it has to begin with `^`")
    groups = re.compile(pattern).groups
    for number in re.findall(r"\\(\d*)", text):
        known = number.isascii() and 0 < len(number) <= _MOST_DIGITS
        if not known or not 1 <= int(number) <= groups:
            raise ValueError(
                f"`{text}`: `\\{number}` is not one of the {groups} groups of `{pattern}`"
            )
