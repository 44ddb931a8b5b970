"""Tables of measurements: rows are encoders, columns are metrics.

    Entry    a measurement, and the row that it belongs to
    Column   evaluation name, metric and group: the same for every run, seed and rev
    Cell     the measurements of a row in a column: one, or one for each seed
    Table    entries by row and column

`diff`, `compare` and `ablate` fill tables; `eqspec.report.tables` lays them out.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from eqspec.nn.readouts.measurement import (
    ENCODER,
    Group,
    Interval,
    Measurement,
    group_words,
    is_number,
)

if TYPE_CHECKING:
    from pathlib import Path


class Kind(StrEnum):
    """The kind of a row."""

    BASELINE = "baseline"
    """An encoder before training, or a control without any encoder."""
    RUN = "run"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Source:
    """The run of a measurement."""

    recipe: str
    seed: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Entry:
    """A measurement of a row.

    Attributes:
        remark: a word for the value, such as ``collapsed``.
        source: the run of the measurement; None for a difference between two runs.
    """

    row: str
    kind: Kind
    measurement: Measurement
    remark: str = ""
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        evaluation: name of the evaluation, or its id if one run has two of that name.
        group: group of the measurement, after its row if that is not `ENCODER`.
    """

    evaluation: str
    metric: str
    group: Group

    @property
    def label(self) -> str:
        """Metric and group, as in ``r2 rot canvas`` and ``top1 k=20``."""
        return " ".join((self.metric, *group_words(self.group)))

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers of the group, such as k."""
        return tuple(float(value) for _, value in self.group if is_number(value))

    @property
    def without_numbers(self) -> tuple[str, str, Group]:
        """What is the same for columns that differ in their numbers alone."""
        words = tuple((k, "" if is_number(v) else v) for k, v in self.group)
        return self.evaluation, self.metric, words


@dataclass(frozen=True, slots=True)
class Cell:
    """The measurements of a row in a column: one, or one for each seed."""

    measurements: tuple[Measurement, ...]
    remark: str = ""

    @property
    def values(self) -> tuple[float, ...]:
        """The defined values."""
        return tuple(m.value for m in self.measurements if not math.isnan(m.value))

    @property
    def value(self) -> float:
        """Mean of the defined values; NaN if there are none."""
        return statistics.fmean(self.values) if self.values else math.nan

    @property
    def deviation(self) -> float | None:
        """Sample standard deviation (n − 1) of the defined values; None of fewer than two."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def intervals(self) -> tuple[Interval, ...]:
        """The intervals of a single measurement; none of several."""
        return self.measurements[0].intervals if len(self.measurements) == 1 else ()

    def overlaps(self, other: Cell) -> bool | None:
        """Whether any two intervals over the same samples overlap; None without such a pair."""
        theirs = {one.over: one for one in other.intervals}
        pairs = [(one, theirs[one.over]) for one in self.intervals if one.over in theirs]
        return any(a.low <= b.high and b.low <= a.high for a, b in pairs) if pairs else None


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table."""

    name: str
    kind: Kind
    cells: Mapping[Column, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """Measurements by row and column, both in the order in which they were first entered.

    Columns that differ in numbers alone, such as k, are in ascending order.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Table:
        """Sort entries into rows and columns."""
        known = tuple(entries)
        columns = _columns(known)
        cells: dict[tuple[str, Kind], dict[Column, list[Entry]]] = {}
        for entry, column in zip(known, columns, strict=True):
            row = cells.setdefault((entry.row, entry.kind), {})
            row.setdefault(column, []).append(entry)
        rows = (Row(*key, {c: _cell(of) for c, of in row.items()}) for key, row in cells.items())
        return cls(in_order(dict.fromkeys(columns)), tuple(rows))

    @property
    def evaluations(self) -> tuple[str, ...]:
        """Names of the evaluations, in the order of their columns."""
        return tuple(dict.fromkeys(column.evaluation for column in self.columns))

    def of_evaluation(self, name: str) -> Table:
        """Return the columns of one evaluation, with all rows."""
        columns = tuple(column for column in self.columns if column.evaluation == name)
        return Table(columns, self.rows)

    def row(self, name: str) -> Mapping[Column, Cell]:
        """Return the cells of a run's row; empty if it has none."""
        found = [row.cells for row in self.rows if row.name == name and row.kind is Kind.RUN]
        return found[0] if found else {}


def _cell(entries: list[Entry]) -> Cell:
    return Cell(tuple(entry.measurement for entry in entries), remark=entries[0].remark)


def _columns(entries: tuple[Entry, ...]) -> list[Column]:
    """Return the column of every entry."""
    twice = _named_twice(entries)
    columns: list[Column] = []
    for one in (entry.measurement for entry in entries):
        name = one.protocol.id if one.protocol.evaluation in twice else one.protocol.evaluation
        group = one.group if one.row in ("", ENCODER) else (("row", one.row), *one.group)
        columns.append(Column(name, one.metric, group))
    return columns


def in_order(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Sort columns that differ in numbers alone, such as k; each takes the place of one of them."""
    alike: dict[object, list[Column]] = {}
    places: list[object] = []
    for column in columns:
        alike.setdefault(column.without_numbers, []).append(column)
        places.append(column.without_numbers)
    ascending = {key: iter(sorted(of, key=lambda c: c.numbers)) for key, of in alike.items()}
    return tuple(next(ascending[key]) for key in places)


def _named_twice(entries: tuple[Entry, ...]) -> frozenset[str]:
    """Return the names that two evaluations of the same run share."""
    ids: dict[tuple[str, Source | None, str], set[str]] = {}
    for entry in entries:
        protocol = entry.measurement.protocol
        key = (entry.row, entry.source, protocol.evaluation)
        ids.setdefault(key, set()).add(protocol.id)
    return frozenset(name for (*_, name), of in ids.items() if len(of) > 1)
