"""Comparison of two journals: the first step at which they differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from eqspec.runs.journal import Row

TRAIN = "train"
"""Name of the rows of training steps."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A number that differs between the two journals.

    Attributes:
        relative: |a − b| over the larger of |a| and |b|; NaN if either is not finite.
    """

    name: str
    a: float
    b: float
    relative: float


@dataclass(frozen=True, slots=True)
class Parting:
    """The first row that differs.

    Attributes:
        kind: name of the row.
        gaps: the numbers that differ, largest relative difference first.
    """

    step: int
    kind: str
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """Result of comparing two journals row by row, to the end of the shorter one.

    Attributes:
        equal_rows: number of rows before the parting, with shared numbers equal bit for bit.
        through: step of the last compared row; 0 if there was none.
        parting: the first row that differs; None if all are equal.
        only_a, only_b: names of numbers in only one of the journals.
    """

    equal_rows: int
    through: int
    parting: Parting | None
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]


def compare_curves(a: Iterable[Row], b: Iterable[Row]) -> Curves:
    """Compare two journals up to the first row that differs.

    Args:
        a, b: rows in the order of their journals; rows in only one of them are skipped.
    """
    equal, through = 0, 0
    only_a: dict[str, None] = {}
    only_b: dict[str, None] = {}
    for x, y in _shared(iter(a), iter(b)):
        only_a |= dict.fromkeys(n for n in x.values if n not in y.values)
        only_b |= dict.fromkeys(n for n in y.values if n not in x.values)
        through, gaps = x.step, _gaps(x, y)
        if gaps:
            parting = Parting(step=x.step, kind=x.name, gaps=gaps)
            return Curves(equal, through, parting, tuple(only_a), tuple(only_b))
        equal += 1
    return Curves(equal, through, None, tuple(only_a), tuple(only_b))


def _shared(a: Iterator[Row], b: Iterator[Row]) -> Iterator[tuple[Row, Row]]:
    """Yield pairs of rows with the same step and name; journals are ordered by step."""
    x, y = next(a, None), next(b, None)
    while x is not None and y is not None:
        if (x.step, x.name) == (y.step, y.name):
            yield x, y
            x, y = next(a, None), next(b, None)
        elif x.step <= y.step:
            x = next(a, None)
        else:
            y = next(b, None)


def _gaps(x: Row, y: Row) -> tuple[Gap, ...]:
    pairs = ((name, x.values[name], y.values[name]) for name in x.values if name in y.values)
    # Compare bits: NaN equals NaN, and 0.0 differs from -0.0.
    gaps = [Gap(n, p, q, _relative(p, q)) for n, p, q in pairs if p.hex() != q.hex()]
    return tuple(sorted(gaps, key=lambda gap: -gap.relative if gap.relative >= 0 else -math.inf))


def _relative(a: float, b: float) -> float:
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.nan
    largest = max(abs(a), abs(b))
    return abs(a - b) / largest if largest else 0.0
