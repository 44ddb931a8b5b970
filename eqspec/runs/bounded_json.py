"""Parsing of untrusted JSON, with bounds on its depth and its numbers."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING

from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

MAX_DEPTH = 50
"""Maximum nesting of lists and objects, as for YAML."""

_LARGEST = 2**63


def parsed_json(text: str | bytes) -> JsonValue:
    """Parse JSON of bounded depth and with numbers of at most 64 bits.

    Raises:
        ValueError: for anything else, including NaN and infinities.
    """
    value: JsonValue = from_json(text, allow_inf_nan=False)
    level: list[JsonValue] = [value]
    for _ in range(MAX_DEPTH + 1):
        if any(isinstance(one, int | float) and not _is_bounded(one) for one in level):
            raise ValueError("a number that does not fit into 64 bits")
        level = list(chain.from_iterable(_below(one) for one in level))
        if not level:
            return value
    raise ValueError(f"nested more than {MAX_DEPTH} deep")


def _is_bounded(number: float) -> bool:
    return math.isfinite(number) if isinstance(number, float) else -_LARGEST <= number < _LARGEST


def _below(value: JsonValue) -> Iterable[JsonValue]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
