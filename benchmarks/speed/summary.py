"""Medians and their spread, and ratios of contestants that took turns."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict


class Spread(BaseModel):
    """A median with the quartiles of what it is the median of.

    Attributes:
        low: first quartile.
        high: third quartile.
        count: number of values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    median: float
    low: float
    high: float
    count: int


def spread(values: Sequence[float]) -> Spread:
    """Return the median and the quartiles of some values."""
    low, _, high = (
        statistics.quantiles(values, n=4, method="inclusive")
        if len(values) > 1
        else (values[0],) * 3
    )
    return Spread(median=statistics.median(values), low=low, high=high, count=len(values))


def ratio(slower: Sequence[float], faster: Sequence[float]) -> Spread:
    """Return the ratio of two contestants' times, taken round by round."""
    return spread([a / b for a, b in zip(slower, faster, strict=True)])
