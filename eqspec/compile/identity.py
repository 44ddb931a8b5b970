"""Ids: the same recipe has the same hash, whatever the order of its keys or how it runs."""

from __future__ import annotations

import hashlib
import json
from typing import NewType

from pydantic import JsonValue

RecipeId = NewType("RecipeId", str)
"""Hash of everything that changes the weights, but the seed; 64 hex digits."""

FOLDER_DIGITS = 8
"""Digits of a recipe that name its run folder."""


def hashed(content: dict[str, JsonValue]) -> str:
    """SHA-256 of plain data in canonical form: sorted keys, shortest numbers, no spaces."""
    text = json.dumps(_canonical(content), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def folder_name(recipe: str, *, seed: int) -> str:
    """Name of the run folder of a recipe and a seed."""
    return f"{recipe[:FOLDER_DIGITS]}-s{seed}"


def _canonical(value: JsonValue) -> JsonValue:
    """Whole floats become integers, so that ``1`` and ``1.0`` are one value."""
    if isinstance(value, dict):
        return {key: _canonical(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_canonical(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
