r"""Patterns of tensor names in layouts: regular expressions that soon end, whatever the name is.

    teacher/(module[.])?backbone[.]    letters, digits, `_ - / : , =`, groups, `|` and `?`
    [.]  [A-Z0-9_]  \d  \w  \.  .      single characters
    .*  \w+  ^  $                      repeats of single characters, and the two ends

A repeat of a group, as in `(a+)+`, and many choices one after another may need for ever to fail, so
both are refused when a card is read. Names longer than `LONGEST_NAME` match no pattern.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

LONGEST_NAME = 256
"""Letters of a tensor's name; those of known models have less than a hundred."""

_MOST_REPEATS = 2
_MOST_CHOICES = 4
_LONGEST = 300
_MOST_DIGITS = 2

_TOKEN = re.compile(
    r"(?P<single>[A-Za-z0-9_/:,= -]|\[\^?[A-Za-z0-9_./:-]+\]|\\[dw.]|\.)"
    r"|(?P<open>\()|(?P<close>\))|(?P<or>\|)|(?P<end>[\^$])|(?P<many>[*+])|(?P<maybe>\?)"
)


def need_pattern(text: str) -> str:
    """The text itself, if it is a pattern as this module describes it.

    Raises:
        ValueError: saying what is wrong with it.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"a pattern has at most {_LONGEST} letters, and this one {len(text)}")
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
        raise ValueError(f"`{text}` is no pattern: {error}") from None
    return text


def _kinds(text: str) -> list[str]:
    kinds: list[str] = []
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"`{text}`: what begins with `{text[at]}` may not stand in a pattern")
        kinds.append(str(token.lastgroup))
        at = token.end()
    return kinds


Pattern = Annotated[str, AfterValidator(need_pattern)]
"""A pattern as this module describes it."""


def need_replacement(pattern: str, text: str) -> None:
    r"""Refuses what cannot be looked for or put in its place: `\2` where there is one group.

    Raises:
        ValueError: naming both.
    """
    if not pattern.startswith("^") and _kinds(pattern).count("many") > 1:
        raise ValueError(f"`{pattern}` has more than one `*` or `+`, so it has to begin with `^`")
    groups = re.compile(pattern).groups
    for number in re.findall(r"\\(\d*)", text):
        known = number.isascii() and 0 < len(number) <= _MOST_DIGITS
        if not known or not 1 <= int(number) <= groups:
            raise ValueError(
                f"`{text}`: `\\{number}` is none of the {groups} groups of `{pattern}`"
            )
