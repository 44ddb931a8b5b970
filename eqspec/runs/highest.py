"""The highest mean of a column, unless its lead may be chance.

Where points have several seeds, the noise is the spread over them: the 95 % interval of the
difference of two means, by Welch's t-test, must exclude 0. Where they have one, it is the sampling
of held-out images: 95 % intervals must not overlap. Without either, the noise is unknown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eqspec.runs.tables import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eqspec.runs.tables import Cell, Column, Table

T_975 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
)
"""97.5 % quantile of Student's t with 1, 2, … degrees of freedom; the last for more is cautious."""


@dataclass(frozen=True, slots=True)
class Highest:
    """The highest mean of a column.

    Attributes:
        value: None if there is none.
        why_not: the reason, if there are runs to compare.
    """

    value: float | None = None
    why_not: str = ""


def highest(table: Table, column: Column) -> Highest:
    """Return the highest mean of at least two runs in a column.

    There is none if protocols differ, if a baseline is as high, or if the lead on any other run may
    be chance.
    """
    rows = [row for row in table.rows if column in row.cells and row.cells[column].values]
    runs = [row.cells[column] for row in rows if row.kind is Kind.RUN]
    if len(runs) < 2:
        return Highest(why_not="only one point has a value" if runs else "")
    first, *others = sorted(runs, key=lambda cell: -cell.value)
    baselines = [row.cells[column].value for row in rows if row.kind is Kind.BASELINE]
    protocols = {m.protocol.id for row in rows for m in row.cells[column].measurements}
    if len(protocols) > 1:
        return Highest(why_not="protocols differ")
    if first.value <= max(baselines, default=-math.inf):
        return Highest(why_not="a baseline is as high")
    why_not = next(_doubts(first, others), "")
    return Highest(why_not=why_not) if why_not else Highest(first.value)


def _doubts(first: Cell, others: list[Cell]) -> Iterator[str]:
    """Yield why the lead on one of the others may be chance."""
    for other in others:
        counts = {len(first.values), len(other.values)}
        if counts == {1}:
            overlap = first.overlaps(other)
            if overlap is None:
                yield "one seed and no intervals, so the noise is unknown"
            elif overlap:
                yield "the 95 % interval overlaps that of another point"
        elif 1 in counts:
            yield "a point has one seed only"
        elif _within_noise(first, other):
            yield "another point is within the noise over seeds"


def _within_noise(a: Cell, b: Cell) -> bool:
    """Whether the 95 % interval of the difference of two means over seeds includes 0."""
    parts = [(_squared_error(cell), len(cell.values) - 1) for cell in (a, b)]
    error = sum(part for part, _ in parts)
    if error == 0:
        return a.value == b.value
    freedom = error**2 / sum(part**2 / free for part, free in parts)
    quantile = T_975[min(int(freedom), len(T_975)) - 1]
    return abs(a.value - b.value) <= quantile * math.sqrt(error)


def _squared_error(cell: Cell) -> float:
    """Return the squared standard error of a mean over seeds."""
    assert cell.deviation is not None, "it has several values"
    return cell.deviation**2 / len(cell.values)
