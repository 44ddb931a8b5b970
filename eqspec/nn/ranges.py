"""Ranges from which a transform's parameters are drawn. Free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator


def ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    """`bounds` itself.

    Raises:
        ValueError: when the lower bound is above the upper one.
    """
    low, high = bounds
    if low > high:
        raise ValueError(f"a range is [low, high], but {low} is above {high}")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(ordered)]
"""Lower and upper bound, both included; (0, 0) draws the identity."""


def largest(bounds: tuple[float, float]) -> float:
    """The largest magnitude in a range: what actions are scaled by."""
    return max(abs(bound) for bound in bounds)


def scaled(bounds: tuple[float, float], by: float) -> tuple[float, float]:
    """The range in other units, `by` of them to one of the old."""
    return bounds[0] * by, bounds[1] * by


def per_largest(bounds: tuple[float, float]) -> float:
    """What to multiply a parameter by so that it fills [−1, 1]; 0 for a range that is only 0."""
    top = largest(bounds)
    return 1.0 / top if top else 0.0
