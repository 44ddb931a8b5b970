"""Limits of numbers, and messages for numbers outside of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Momentum = Annotated[float, Field(ge=0, le=1)]
"""Share of the old value that is kept."""

_LIMITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "greater_than": ("be greater than", "gt"),
        "greater_than_equal": ("be at least", "ge"),
        "less_than": ("be less than", "lt"),
        "less_than_equal": ("be at most", "le"),
        "multiple_of": ("be a multiple of", "multiple_of"),
    }
)


def limit_rule(kind: str, context: Mapping[str, Any]) -> str | None:
    """Return the rule for a number by pydantic's name for its violation, or None.

    Args:
        context: pydantic's, with the limit.
    """
    if kind not in _LIMITS:
        return None
    relation, key = _LIMITS[kind]
    limit = context[key]
    return f"must {relation} {limit:g}" if isinstance(limit, float) else f"must {relation} {limit}"


def limit_broken(number: float, legal: Any) -> str | None:  # noqa: ANN401 - an annotation
    """Return the rule that a number violates, or None if it is legal.

    Args:
        legal: the annotation of a float, such as `NotNegative`.
    """
    try:
        TypeAdapter(legal).validate_python(number)
    except ValidationError as error:
        entry = error.errors(include_url=False)[0]
        return limit_rule(entry["type"], entry.get("ctx", {})) or entry["msg"]
    return None
