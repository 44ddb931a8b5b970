"""The end of a series of runs: one table, what the added terms weigh, what each run has taken."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from pydantic import JsonValue
from pydantic_core import to_jsonable_python
from rich.cells import cell_len
from rich.text import Text

from eqspec.cli.columns import aligned, side_by_side
from eqspec.cli.layout import duration, heading, large, number, wrapped
from eqspec.commands.running.comparison import Comparison, Done, Row, Score, Table
from eqspec.commands.running.usage import Added, Effort, Pull
from eqspec.nn.readouts.measurement import Interval
from eqspec.report.strip import STRIP

Line = list[str | Text]


def compared(comparison: Comparison, done: Sequence[Done], *, width: int) -> Text:
    """The whole page."""
    parts = [
        *([tables(comparison, width=width)] if comparison.tables else []),
        *(_pull(pull, width=width) for pull in comparison.pulls),
        _efforts(comparison.efforts, width=width),
        places(done, width=width),
    ]
    return Text("\n\n").join(parts)


def as_data(comparison: Comparison, done: Sequence[Done]) -> JsonValue:
    """The same as plain data."""
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
    return to_jsonable_python(data)


def tables(comparison: Comparison, *, width: int) -> Text:
    """One table for every evaluation."""
    return Text("\n\n").join([_table(table, width=width) for table in comparison.tables])


def _table(table: Table, *, width: int) -> Text:
    columns = list({s.column: s for row in table.rows for s in row.scores}.values())
    lines = _lines(table, columns)
    first, *widths = (
        max(cell_len(str(line[at])) for line in lines if at < len(line))
        for at in range(len(columns) + 1)
    )
    blocks = side_by_side(widths, room=width - first)
    title = heading(f"{table.evaluation}: {table.shown.title}", width=width)
    about = wrapped(_about(table), width=width)
    return Text("\n\n").join([title, about, *(_block(lines, block) for block in blocks)])


def _about(table: Table) -> str:
    """What the numbers were measured on, what brackets mean and what words do."""
    samples, sources = table.heldout
    of = f" of {number(sources)} {table.units.sources}" if sources < samples else ""
    some = f"{number(samples)} held-out {table.units.samples}{of}"
    said = [f"Measured on {some} ({table.data})."]
    kinds = [i.over for i in _most_intervals(table.rows)]
    if kinds:
        paired = [i.over for i in _most_intervals(table.differences)]
        beside = f"; of a difference, paired, over {' and over '.join(paired)}" if paired else ""
        said.append(f"In brackets, 95 % by bootstrap: of a row over {kinds[0]}{beside}.")
    if table.shown.floor is not None:
        share, word = table.shown.floor
        said.append(f"`{word}`: below {share:g} of the untrained encoder's.")
    return " ".join(said)


def _most_intervals(rows: Sequence[Row]) -> tuple[Interval, ...]:
    return max((s.intervals for row in rows for s in row.scores), key=len, default=())


def _block(lines: Sequence[Line], columns: Sequence[int]) -> Text:
    """Some columns of a table."""
    chosen = [[line[0], *(line[at + 1] for at in columns if at + 1 < len(line))] for line in lines]
    filled = [line for line in chosen if line == [""] or any(str(cell) for cell in line)]
    return aligned(filled, right=range(1, len(columns) + 1))


def _lines(table: Table, columns: Sequence[Score]) -> list[Line]:
    """The whole table, however wide it is."""
    digits = table.shown.digits
    heads = [column_heads(column.of, table.shown.metrics[column.metric]) for column in columns]
    lines: list[Line] = [
        ["", *(Text(above, "bold") for above, _ in heads)],
        ["", *(Text(below, "dim") for _, below in heads)],
    ]
    for row in table.rows:
        scores = _by_column(row, columns)
        lines.append([Text(row.name, "cyan"), *(_value(s, digits=digits) for s in scores)])
        lines.append(["", *(_below(s, digits=digits) for s in scores)])
    for row in table.differences:
        lines.append([""])
        scores = _by_column(row, columns)
        lines.append([Text(row.name, "bold cyan"), *(_gap(s, digits=digits) for s in scores)])
        kinds = max((s.intervals for s in scores if s is not None), key=len, default=())
        for at, kind in enumerate(kinds):
            lines.append([_over(kind), *(_interval(s, at, digits=digits) for s in scores)])
    return lines


def column_heads(of: Mapping[str, str], label: str) -> tuple[str, str]:
    """The two lines above a column: the metric and what it is of, or the two things it is of."""
    if label:
        return label, ", ".join(f"{key} = {value}" for key, value in of.items())
    above, *below = of.values()
    return above, ", ".join(below)


def _over(interval: Interval) -> str:
    return f"  over {interval.over}"


def _by_column(row: Row, columns: Sequence[Score]) -> list[Score | None]:
    found = {score.column: score for score in row.scores}
    return [found.get(column.column) for column in columns]


def _value(score: Score | None, *, digits: int) -> Text:
    if score is None or math.isnan(score.value):
        return Text("–", "dim")
    return Text(f"{score.value:.{digits}f}", "bold")


def _gap(score: Score | None, *, digits: int) -> Text:
    if score is None or math.isnan(score.value):
        return Text("–", "dim")
    return Text(f"{score.value:+.{digits}f}", _verdict(score))


def _verdict(score: Score) -> str:
    """Colour of a difference: of a sign that all intervals agree on, or none."""
    if not score.intervals:
        return "bold"
    if all(interval.low > 0 for interval in score.intervals):
        return "bold green"
    return "bold red" if all(interval.high < 0 for interval in score.intervals) else "bold"


def _below(score: Score | None, *, digits: int) -> Text:
    """What stands below a value: a word, or its first interval."""
    if score is not None and score.remark:
        return Text(score.remark, "bold red")
    if score is None or not score.intervals:
        return Text()
    low, high = score.intervals[0].low, score.intervals[0].high
    return Text(f"[{low:.{digits - 1}f}, {high:.{digits - 1}f}]", "dim")


def _interval(score: Score | None, at: int, *, digits: int) -> Text:
    if score is None or at >= len(score.intervals):
        return Text()
    low, high = score.intervals[at].low, score.intervals[at].high
    return Text(f"[{low:+.{digits - 1}f}, {high:+.{digits - 1}f}]", "dim")


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


def _efforts(efforts: Sequence[Effort], *, width: int) -> Text:
    if not any(e.samples for e in efforts):  # nothing was trained
        return aligned(
            [["", Text("encoder", "dim")]]
            + [[Text(e.name, "cyan"), large(e.encoder)] for e in efforts],
            gap=4,
            right=(1,),
        )
    compiled = any(e.compiling for e in efforts)
    columns = ("samples seen", "steps took", *(("of which compiling",) if compiled else ()))
    titles = ("", *(Text(t, "dim") for t in (*columns, "parameters", "encoder")))
    lines: list[Line] = [
        [
            Text(e.name, "cyan"),
            number(e.samples),
            duration(e.seconds),
            *([_compiling(e)] if compiled else []),
            large(e.parameters),
            large(e.encoder),
        ]
        for e in efforts
    ]
    right = range(1, len(titles))
    return aligned(lines, titles=titles, gap=4, right=right, width=width)


def _compiling(effort: Effort) -> str:
    late = f", {effort.recompiled} late" if effort.recompiled else ""
    return f"{duration(effort.compiling)}{late}"


def places(done: Sequence[Done], *, width: int) -> Text:
    """Where the runs are, and their pictures."""
    lines: list[Line] = [[Text(one.name, "cyan"), str(one.folder)] for one in done]
    strips = (one.folder / STRIP for one in done)
    lines += [[Text("reconstructions"), str(strip)] for strip in strips if strip.is_file()]
    return aligned(lines, gap=4, width=width)
