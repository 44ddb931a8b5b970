"""Ranges from which the parameters of transforms are drawn. Free of torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field


def ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    """Return the bounds after checking their order.

    Raises:
        ValueError: when the lower bound is above the upper one.
    """
    low, high = bounds
    if low > high:
        raise ValueError(f"a range is [low, high], but {low} is above {high}")
    return bounds


Range = Annotated[tuple[float, float], AfterValidator(ordered)]
"""Lower and upper bound, both inclusive; (0, 0) always draws the identity."""

_Degrees = Annotated[float, Field(ge=-360, le=360)]
Angles = Annotated[tuple[_Degrees, _Degrees], AfterValidator(ordered)]
"""Range of angles in degrees, at most one full turn in either direction."""


def largest(bounds: tuple[float, float]) -> float:
    """Return the largest magnitude in a range, by which actions are scaled."""
    return max(abs(bound) for bound in bounds)


def within_side(bounds: tuple[float, float], *, at: int) -> None:
    """Check that shifts leave part of an image of side `at` in view.

    Raises:
        ValueError: when a shift is longer than the side.
    """
    if (shift := largest(bounds)) > at:
        raise ValueError(f"a shift of {shift:g} moves an image of {at} pixels out of view")


def scaled(bounds: tuple[float, float], by: float) -> tuple[float, float]:
    """Return the range with both bounds multiplied by `by`."""
    return bounds[0] * by, bounds[1] * by


def per_largest(bounds: tuple[float, float]) -> float:
    """Return the factor that scales a range to [−1, 1]; 0 for the range (0, 0)."""
    top = largest(bounds)
    return 1.0 / top if top else 0.0
