"""Ranges from which a transform's parameters are drawn. Free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field


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

_Degrees = Annotated[float, Field(ge=-360, le=360)]
Angles = Annotated[tuple[_Degrees, _Degrees], AfterValidator(ordered)]
"""A range of angles, in degrees, of one turn at most either way."""


def largest(bounds: tuple[float, float]) -> float:
    """The largest magnitude in a range: what actions are scaled by."""
    return max(abs(bound) for bound in bounds)


def within_side(bounds: tuple[float, float], *, at: int) -> None:
    """Refuses shifts that carry an image of side `at` out of itself.

    Raises:
        ValueError: when a shift is longer than the side.
    """
    if (shift := largest(bounds)) > at:
        raise ValueError(f"a shift of {shift:g} leaves nothing of an image of {at} pixels")


def scaled(bounds: tuple[float, float], by: float) -> tuple[float, float]:
    """The range in other units, `by` of them to one of the old."""
    return bounds[0] * by, bounds[1] * by


def per_largest(bounds: tuple[float, float]) -> float:
    """What to multiply a parameter by so that it fills [−1, 1]; 0 for a range that is only 0."""
    top = largest(bounds)
    return 1.0 / top if top else 0.0
