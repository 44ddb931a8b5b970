"""Ids: the same recipe has the same hash, whatever the order of its keys or how it runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NewType

RecipeId = NewType("RecipeId", str)
"""Hash of everything that changes the weights, but the seed; 64 hex digits."""

FOLDER_DIGITS = 8
"""Digits of a recipe that name its run folder."""


def hashed(content: Mapping[str, Any]) -> str:
    """SHA-256 of plain data in canonical form: sorted keys, shortest numbers, no spaces."""
    text = json.dumps(_canonical(content), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def folder_name(recipe: str, *, seed: int) -> str:
    """Name of the run folder of a recipe and a seed."""
    return f"{recipe[:FOLDER_DIGITS]}-s{seed}"


def _canonical(value: Any) -> Any:
    """Whole floats become integers, so that ``1`` and ``1.0`` are one value."""
    match value:
        case bool():
            return value
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {str(k): _canonical(v) for k, v in value.items()}
        case list() | tuple():
            return [_canonical(v) for v in value]
        case _:
            return value
