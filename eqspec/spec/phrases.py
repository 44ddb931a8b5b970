"""Small pieces of sentences about values and names."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING

from eqspec.spec.node import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eqspec.spec.node import KeyPath

_LONGEST_VALUE = 40
_LONGEST_PATH = 80


def named(path: KeyPath) -> str:
    """Return the name of the value at a path."""
    return f"`{_clipped(dotted(path), _LONGEST_PATH)}`" if path else "the whole text"


def shown(value: object) -> str:
    """A value as one would write it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"`{_clipped(text, _LONGEST_VALUE)}`"


def described(value: object) -> str:
    """A value with its kind, as in "the text `abc`"."""
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return shown(value)
    return f"the {'text' if isinstance(value, str) else 'number'} {shown(value)}"


def listed(values: Iterable[object]) -> str:
    """Names in a row."""
    return ", ".join(str(value) for value in values)


def counted(number: int, one: str, many: str = "") -> str:
    """A number of things: 1 image, 2 images, 1,200 images.

    Args:
        many: the word for several, where it is not the same with an `s`.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def did_you_mean(written: object, names: Iterable[object], *, cutoff: float) -> str | None:
    """The nearest of some names, if one is near."""
    close = nearest(written, names, cutoff=cutoff)
    return f"did you mean `{close[0]}`?" if close else None


def nearest(written: object, names: Iterable[object], *, cutoff: float, most: int = 1) -> list[str]:
    """The nearest of some names that are near, the best first."""
    known = [str(name) for name in names]
    return get_close_matches(str(written)[:100].lower(), known, n=most, cutoff=cutoff)


def alternatives(names: Iterable[str]) -> str:
    """Names of which one is meant: `a`, `b` or `c`."""
    *others, last = (f"`{name}`" for name in names)
    return f"{', '.join(others)} or {last}" if others else last


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
