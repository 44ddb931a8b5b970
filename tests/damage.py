"""Random but reproducible damage to files of run folders and to specs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")

ODD: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, 1e308, -0.0, 0.5),
    *("", "x", "\0", "\x1b[31m", "../../x", "0", "nan", "é" * 300, "2026-01-01", "NaN", "\ud800"),
    *([], {}, [[]], {"": None}, [1, "a", None], {"a": {"b": {"c": []}}}, [{}] * 50),
)
"""Unexpected values."""


class Drawn:
    """Numbers that follow from a key."""

    def __init__(self, *key: object) -> None:
        self._key = key
        self._count = 0

    def below(self, end: int) -> int:
        """From 0 to `end` - 1."""
        self._count += 1
        digest = hashlib.sha256(repr((self._key, self._count)).encode()).digest()
        return int.from_bytes(digest[:8], "big") % end

    def of(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.below(len(choices))]


def damaged_bytes(data: bytes, drawn: Drawn) -> bytes:
    """Bytes with one flipped, an end cut off, or some doubled, removed or put in."""
    if not data:
        return b"\0"
    at, length = drawn.below(len(data)), 1 + drawn.below(20)
    more = bytes(drawn.below(256) for _ in range(length))
    ways = (
        data[:at] + bytes([data[at] ^ (1 + drawn.below(255))]) + data[at + 1 :],
        data[:at],
        data[:at] + data[at : at + length] + data[at:],
        data[:at] + data[at + length :],
        data[:at] + more + data[at:],
    )
    return drawn.of(ways)


def damaged_json(text: str, drawn: Drawn) -> str:
    """JSON whose values are odd in one to three places, or text that is no JSON any more."""
    data = json.loads(text)
    for _ in range(1 + drawn.below(3)):
        data = _odd(data, drawn)
    text = json.dumps(data)
    if drawn.below(10) == 0:
        text = text.replace("null", drawn.of(("NaN", "Infinity", "1e999", "[" * 5000)), 1)
    return text


def _odd(data: Any, drawn: Drawn) -> Any:
    """The same data with something odd at a place that is reached by a walk from the root."""
    if isinstance(data, list) and data and drawn.below(8):
        at = drawn.below(len(data))
        one = drawn.of(([], [data[at], data[at]], *[None] * 4))
        inside = [_odd(data[at], drawn)] if one is None else one
        return [*data[:at], *inside, *data[at + 1 :]]
    if isinstance(data, dict) and data and drawn.below(8):
        key = drawn.of(sorted(data))
        rest = {k: v for k, v in data.items() if k != key}
        more = drawn.of(("without", "again", *["odd"] * 6))
        if more == "odd":
            return {**data, key: _odd(data[key], drawn)}
        return rest if more == "without" else {**data, f"{key}x": data[key]}
    return drawn.of(ODD)
