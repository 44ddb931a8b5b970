"""The tables of an ablation: a row per point of the grid, with means over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from eqspec.nn.readouts.measurement import Summary
from eqspec.report.tables.block import Block, Cell, Line, Span
from eqspec.report.tables.comparison import heads
from eqspec.runs.highest import highest
from eqspec.runs.tables import Cell as Measured
from eqspec.runs.tables import Column, Entry, Kind, Row, Table

HIGHEST = "*"
"""Mark of the highest mean of a column."""

DIFFERENT_PROTOCOLS = "The rows were measured by different protocols and may not be comparable."


@dataclass(frozen=True, slots=True)
class PointProgress:
    """A point of the grid and how many of its runs are complete.

    Attributes:
        name: name of its row.
        settings: axis → value, as text.
        done, seeds: number of complete runs, and of all runs.
    """

    name: str
    settings: Mapping[str, str]
    done: int
    seeds: int


@dataclass(frozen=True, slots=True)
class AblationTable:
    """The measurements of a grid.

    Attributes:
        points: in the order of the grid.
        entries: every measurement of every run; those of baselines first.
        table: the entries by row and column.
        summaries: name of an evaluation → the measurements to show.
    """

    points: tuple[PointProgress, ...]
    entries: tuple[Entry, ...]
    table: Table
    summaries: Mapping[str, Summary]

    @property
    def baselines(self) -> tuple[Row, ...]:
        """The rows of untrained encoders and controls."""
        return tuple(row for row in self.table.rows if row.kind is Kind.BASELINE)

    @property
    def most_seeds(self) -> int:
        """The largest number of measurements in a cell of a point."""
        runs = (row.cells.values() for row in self.table.rows if row.kind is Kind.RUN)
        return max((len(cell.values) for cells in runs for cell in cells), default=0)


def blocks(found: AblationTable) -> Iterator[Block]:
    """Yield one table for every evaluation."""
    axes = tuple(found.points[0].settings) if found.points else ()
    for name in found.table.evaluations:
        columns = found.table.of_evaluation(name).columns
        summary = found.summaries.get(name)
        front = len(axes) + 1
        yield Block(
            title=name,
            titles=(
                *((Span(axis, "strong"), "") for axis in (*axes, "n")),
                *(_padded(heads(column, summary)) for column in columns),
            ),
            rows=tuple(_rows(found, columns, summary)),
            right=tuple(range(len(axes), front + len(columns))),
            remarks=tuple(_remarks(found, columns, summary)),
            repeated=front,
        )


def _remarks(
    found: AblationTable, columns: tuple[Column, ...], summary: Summary | None
) -> Iterator[str]:
    """Yield sentences about protocols, and about columns in which nothing is marked."""
    if len(_protocols(found.table, columns)) > 1:
        yield DIFFERENT_PROTOCOLS
    unmarked: dict[str, list[str]] = {}
    low = [column.label for column in columns if _lower_is_better(column, summary)]
    if low:
        yield f"Lower is better, and nothing marked: {', '.join(low)}."
    for column in columns:
        if _lower_is_better(column, summary):
            continue
        if why_not := highest(found.table, column).why_not:
            unmarked.setdefault(why_not, []).append(column.label)
    for why_not, labels in unmarked.items():
        yield f"No {HIGHEST} for {', '.join(labels)}: {why_not}."


def _lower_is_better(column: Column, summary: Summary | None) -> bool:
    return summary is not None and column.metric in summary.lower


def _rows(
    found: AblationTable, columns: tuple[Column, ...], summary: Summary | None
) -> Iterator[tuple[Cell, ...]]:
    digits = 3 if summary is None else summary.digits
    best = {c: highest(found.table, c).value for c in columns if not _lower_is_better(c, summary)}
    axes = len(found.points[0].settings)
    for row in found.baselines:
        cells = [row.cells.get(column) for column in columns]
        count = str(max((len(c.measurements) for c in row.cells.values()), default=0))
        shown = (Span(_number(cell, digits=digits), "dim") for cell in cells)
        yield (Span(row.name, "dim"), *[""] * (axes - 1), Span(count, "dim"), *shown)
    for point in found.points:
        values = (Span(value, "name") for value in point.settings.values())
        every = point.done == point.seeds
        count = Span(str(point.done) if every else f"{point.done}/{point.seeds}", "dim")
        cells = found.table.row(point.name)
        shown = (_cell(cells.get(c), digits=digits, highest=best.get(c)) for c in columns)
        yield (*values, count, *shown)


def _cell(cell: Measured | None, *, digits: int, highest: float | None) -> Cell:
    text = _number(cell, digits=digits)
    if cell is not None and cell.values and cell.value == highest:
        return Span(f"{text.rstrip()}{HIGHEST}", "strong")
    return text


def _number(cell: Measured | None, *, digits: int) -> str:
    """Format mean ± deviation; the final blank aligns it with numbers that have a mark."""
    if cell is None or not cell.values:
        return "– "
    spread = "" if cell.deviation is None else f" ± {cell.deviation:.{digits}f}"
    return f"{cell.value:.{digits}f}{spread} "


def _padded(lines: tuple[Line, Line]) -> tuple[Line, ...]:
    return tuple(Span(f"{line} ", line.style if isinstance(line, Span) else "") for line in lines)


def _protocols(table: Table, columns: tuple[Column, ...]) -> frozenset[str]:
    cells = (row.cells[c] for row in table.rows for c in columns if c in row.cells)
    return frozenset(m.protocol.id for cell in cells for m in cell.measurements)
