"""The end of a series of runs: one table, what the added terms weigh, what each run has taken."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from pydantic import JsonValue
from pydantic_core import to_jsonable_python
from rich.text import Text

from eqspec.cli.layout import aligned, duration, heading, large, number, wrapped
from eqspec.commands.compare import (
    Added,
    Comparison,
    Done,
    Effort,
    Interval,
    Pull,
    Row,
    Score,
    Table,
)
from eqspec.report.strip import STRIP

_CELL = 16
"""Columns of a score with the gap before it."""

Line = list[str | Text]


def compared(comparison: Comparison, done: Sequence[Done], *, width: int) -> Text:
    """The whole page."""
    parts = [
        *(_table(table, width=width) for table in comparison.tables),
        *(_pull(pull, width=width) for pull in comparison.pulls),
        _efforts(comparison.efforts),
        _places(done),
    ]
    return Text("\n\n").join(parts)


def as_data(comparison: Comparison, done: Sequence[Done]) -> JsonValue:
    """The same as plain data; a number that is none becomes null."""
    runs = [
        {
            "name": one.name,
            "recipe": one.plan.recipe,
            "seed": one.plan.seed,
            "folder": one.folder,
            "strip": strip if (strip := one.folder / STRIP).is_file() else None,
        }
        for one in done
    ]
    data = {**dataclasses.asdict(comparison), "runs": runs}
    return to_jsonable_python(data, inf_nan_mode="null")


def _table(table: Table, *, width: int) -> Text:
    images, photos = table.heldout
    title = heading(
        f"{table.evaluation}: R² of a transformation's parameters, read from encoder features"
    )
    about = wrapped(
        f"Measured on {number(images)} held-out crops of {number(photos)} photographs. "
        "In brackets, 95 % by bootstrap: of a row over crops; of a difference, paired, over crops "
        "and over photographs.",
        width=width,
    )
    rows = (*table.rows, *table.differences)
    over = (_over(i) for row in table.differences for s in row.scores for i in s.intervals)
    first = max(map(len, [*(row.name for row in rows), *over]))
    columns = [(s.family, s.border) for s in table.rows[0].scores]
    fit = max(1, (width - first) // _CELL)
    blocks = [columns[start : start + fit] for start in range(0, len(columns), fit)]
    return Text("\n\n").join([title, about, *(_block(table, block) for block in blocks)])


def _block(table: Table, columns: Sequence[tuple[str, str]]) -> Text:
    """Some columns of a table."""
    lines: list[Line] = [
        ["", *(Text(family, "bold") for family, _ in columns)],
        ["", *(Text(border, "dim") for _, border in columns)],
    ]
    for row in table.rows:
        scores = _by_column(row, columns)
        lines.append([Text(row.name, "cyan"), *(_value(s, signed=False) for s in scores)])
        lines.append(["", *(_interval(s, 0, signed=False) for s in scores)])
    for row in table.differences:
        lines.append([""])
        scores = _by_column(row, columns)
        lines.append([Text(row.name, "bold cyan"), *(_value(s, signed=True) for s in scores)])
        kinds = max((s.intervals for s in scores if s is not None), key=len, default=())
        for at, kind in enumerate(kinds):
            lines.append([_over(kind), *(_interval(s, at, signed=True) for s in scores)])
    return aligned(lines, right=range(1, len(columns) + 1))


def _over(interval: Interval) -> str:
    return f"  over {interval.over}"


def _by_column(row: Row, columns: Sequence[tuple[str, str]]) -> list[Score | None]:
    found = {(score.family, score.border): score for score in row.scores}
    return [found.get(column) for column in columns]


def _value(score: Score | None, *, signed: bool) -> Text:
    if score is None or math.isnan(score.value):
        return Text("–", "dim")
    if not signed:
        return Text(f"{score.value:.3f}", "bold")
    return Text(f"{score.value:+.3f}", _verdict(score))


def _verdict(score: Score) -> str:
    """Colour of a difference: of a sign that all intervals agree on, or none."""
    if all(interval.low > 0 for interval in score.intervals):
        return "bold green"
    return "bold red" if all(interval.high < 0 for interval in score.intervals) else "bold"


def _interval(score: Score | None, at: int, *, signed: bool) -> Text:
    if score is None or at >= len(score.intervals):
        return Text()
    low, high = score.intervals[at].low, score.intervals[at].high
    return Text(f"[{low:+.2f}, {high:+.2f}]" if signed else f"[{low:.2f}, {high:.2f}]", "dim")


def _pull(pull: Pull, *, width: int) -> Text:
    ratio = "–" if pull.ratio is None else f"{pull.ratio:.2g}"
    text = (
        f"{pull.name}: at the encoder's output, the gradient of the added terms "
        f"({'; '.join(map(_added, pull.added))}) is {ratio} times as large as that of the method's "
        f"own, last measured at step {number(pull.step)}."
    )
    paper = " The paper uses λ = 1 over 800 epochs." if any(a.by_lambda for a in pull.added) else ""
    return wrapped(text + paper, width=width)


def _added(added: Added) -> str:
    weight = "scheduled" if added.weight is None else number(added.weight)
    symbol = "λ" if added.by_lambda else "weight"
    said = (f"{added.term}, {symbol} = {weight}", added.reduction)
    return ", ".join(part for part in said if part)


def _efforts(efforts: Sequence[Effort]) -> Text:
    titles: Line = [
        "",
        *(Text(t, "dim") for t in ("samples seen", "steps took", "parameters", "encoder")),
    ]
    lines: list[Line] = [
        [
            Text(e.name, "cyan"),
            number(e.samples),
            duration(e.seconds),
            large(e.parameters),
            large(e.encoder),
        ]
        for e in efforts
    ]
    return aligned([titles, *lines], gap=4, right=range(1, 5))


def _places(done: Sequence[Done]) -> Text:
    lines: list[Line] = [[Text(one.name, "cyan"), str(one.folder)] for one in done]
    strips = (one.folder / STRIP for one in done)
    lines += [[Text("reconstructions"), str(strip)] for strip in strips if strip.is_file()]
    return aligned(lines, gap=4)
