"""The table of one evaluation: a row per encoder, a column per summary metric."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eqspec.nn.readouts.measurement import Interval, Summary
from eqspec.ops.units import IMAGES_ALONE, Units
from eqspec.report.tables.block import Block, Cell, Line, Span, Style
from eqspec.runs.tables import Cell as Measured
from eqspec.runs.tables import Column, Kind, Row, Table


@dataclass(frozen=True, slots=True)
class EvaluationTable:
    """One evaluation of several encoders.

    Attributes:
        evaluation: name of the evaluation.
        summary: the measurements to show.
        data: name of the dataset.
        table: baselines first, then runs, then differences between runs, which are paired over the
            same held-out samples. Intervals use the dataset's units.
        heldout: numbers of held-out samples and of their sources.
        units: the dataset's words for samples and sources.
        caveats: sentences about protocols that need more images than the dataset has.
        notes: sentences about the images behind the rows.
    """

    evaluation: str
    summary: Summary
    data: str
    table: Table
    heldout: tuple[int, int]
    units: Units = IMAGES_ALONE
    caveats: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def block(found: EvaluationTable) -> Block:
    """Lay out the table: each value above its interval, differences at the end."""
    columns, digits = found.table.columns, found.summary.digits
    return Block(
        title=f"{found.evaluation}: {found.summary.title}",
        about=_about(found),
        titles=("", *(heads(column, found.summary) for column in columns)),
        rows=tuple(_rows(found.table, digits=digits, lower=found.summary.lower)),
        right=tuple(range(1, len(columns) + 1)),
        remarks=(*found.caveats, *found.notes),
        repeated=1,
    )


def heads(column: Column, summary: Summary | None) -> tuple[Line, Line]:
    """Return the two lines above a column: metric and group, or the two values of the group."""
    label = column.metric if summary is None else summary.metrics.get(column.metric, column.metric)
    if label:
        below = ", ".join(f"{key} = {value}" for key, value in column.group)
        return Span(label, "strong"), Span(below, "dim")
    above, *rest = dict(column.group).values()
    return Span(above, "strong"), Span(", ".join(rest), "dim")


def _about(found: EvaluationTable) -> str:
    """Describe the held-out samples, and explain brackets and remarks."""
    samples, sources = found.heldout
    of = f" of {sources:,} {found.units.sources}" if sources < samples else ""
    some = f"{samples:,} held-out {found.units.samples}{of}"
    sentences = [f"Measured on {some} ({found.data})."]
    differences = [row for row in found.table.rows if row.kind is Kind.DIFFERENCE]
    others = [row for row in found.table.rows if row.kind is not Kind.DIFFERENCE]
    if kinds := [one.over for one in _most_intervals(others)]:
        paired = [one.over for one in _most_intervals(differences)]
        differing = f"; of a difference, paired, over {' and over '.join(paired)}" if paired else ""
        sentences.append(f"In brackets, 95 % by bootstrap: of a row over {kinds[0]}{differing}.")
    if found.summary.floor is not None:
        share, word = found.summary.floor
        sentences.append(f"`{word}`: below {share:g} of the untrained encoder's.")
    return " ".join(sentences)


def _most_intervals(rows: Sequence[Row]) -> tuple[Interval, ...]:
    every = (cell.intervals for row in rows for cell in row.cells.values())
    return max(every, key=len, default=())


def _rows(table: Table, *, digits: int, lower: frozenset[str]) -> Iterator[tuple[Cell, ...]]:
    for row in table.rows:
        cells = [row.cells.get(column) for column in table.columns]
        if row.kind is Kind.DIFFERENCE:
            overs = [f"  over {one.over}" for one in _most_intervals([row])]
            name = (Span(row.name, "name"), *overs)
            yield ()
            signs = [-1 if column.metric in lower else 1 for column in table.columns]
            pairs = zip(cells, signs, strict=True)
            yield (name, *(_difference(cell, digits=digits, better=sign) for cell, sign in pairs))
        else:
            name = Span(row.name, "name")
            yield (name, *(_value(cell, digits=digits) for cell in cells))


def _value(cell: Measured | None, *, digits: int) -> Cell:
    """Return a value above its remark or its first interval."""
    if cell is None or math.isnan(cell.value):
        return Span("–", "dim"), ""
    value = Span(f"{cell.value:.{digits}f}", "strong")
    if cell.remark:
        return value, Span(cell.remark, "bad")
    return value, *(_interval(one, digits=digits) for one in cell.intervals[:1])


def _difference(cell: Measured | None, *, digits: int, better: int) -> Cell:
    """Return a difference above all of its intervals; `better` is the sign of a better one."""
    if cell is None or math.isnan(cell.value):
        return Span("–", "dim")
    value = Span(f"{cell.value:+.{digits}f}", _sign(cell, better=better))
    return value, *(_interval(one, digits=digits, signed=True) for one in cell.intervals)


def _sign(cell: Measured, *, better: int) -> Style:
    """Return the style of a difference: good or bad if all intervals have the same sign."""
    if cell.intervals and all(one.low > 0 for one in cell.intervals):
        return "good" if better > 0 else "bad"
    if cell.intervals and all(one.high < 0 for one in cell.intervals):
        return "bad" if better > 0 else "good"
    return "strong"


def _interval(one: Interval, *, digits: int, signed: bool = False) -> Span:
    sign = "+" if signed else ""
    low, high = (f"{end:{sign}.{digits - 1}f}" for end in (one.low, one.high))
    return Span(f"[{low}, {high}]", "dim")
