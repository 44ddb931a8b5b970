"""A study: the plan of its runs, and the table of what they came to."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from eqspec.cli.columns import Cell, aligned, side_by_side
from eqspec.cli.layout import heading, number, wrapped
from eqspec.cli.render.compare import column_heads
from eqspec.commands.ablate.execute import Ablation, Column
from eqspec.commands.ablate.execute import Cell as Score
from eqspec.commands.ablate.grid import Point
from eqspec.commands.ablate.study import GridRun, Standing, Study
from eqspec.commands.output_files import first_line
from eqspec.commands.planning.stages import Mark
from eqspec.spec.phrases import counted

_STYLES = {Mark.RUN: "green", Mark.CACHED: "dim", Mark.CHANGED: "yellow"}

_HIGHEST = "*"


_FIRST, _LAST = ("point",), ("seed", "evaluation", "metric", "of", "value", "recipe", "folder")
"""Columns of the file of every number, before and after those of the grid."""


def planned(study: Study, standings: Sequence[Standing], *, width: int | None) -> Text:
    """A line per run, in the order in which they are made, and what is left to do."""
    rows: list[list[Cell]] = [
        [
            Text(how.mark.value, _STYLES[how.mark]),
            *(Text(str(setting), "cyan") for setting in run.points[0].settings),
            Text(f"seed {run.plan.seed}"),
            str(run.folder),
            Text(_how_far(run, how), "dim"),
        ]
        for run, how in zip(study.runs, standings, strict=True)
    ]
    return Text("\n\n").join([aligned(rows, width=width), Text(left(standings))])


def left(standings: Sequence[Standing]) -> str:
    """What is left to do, in a sentence."""
    marks = [how.mark for how in standings]
    counts = {
        "to be made": marks.count(Mark.RUN),
        "to be gone on with": marks.count(Mark.CHANGED),
        "done": marks.count(Mark.CACHED),
    }
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    steps = counted(sum(how.left for how in standings), "step")
    return f"{counted(len(marks), 'run')}: {said}; {steps} left."


def _how_far(run: GridRun, how: Standing) -> str:
    same = "".join(f"; also {point}" for point in run.points[1:])
    if how.problem is not None:
        return f"{how.problem}{same}"
    if how.mark is Mark.CHANGED and how.left == 0:
        return f"trained to the end, {counted(how.steps, 'step')}, to be judged{same}"
    steps = counted(how.steps, "step")
    if how.mark is Mark.CHANGED:
        steps = f"{number(how.step)} of {steps} saved, {how.state.value}"
    return steps + same


def table(found: Ablation, *, width: int) -> Text:
    """Every evaluation as a table of its own: points below one another, numbers side by side."""
    ids = list(dict.fromkeys(column.evaluation for column in found.columns))
    parts = [part for id_ in ids for part in _evaluation(found, id_, width=width)]
    if not parts:
        return wrapped("No run has been judged: `evaluate:` of the spec is empty.", width=width)
    counted = max((cell.count for row in found.rows for cell in row.cells if cell), default=0)
    spread = "mean ± standard deviation over seeds (of the sample: n − 1)" if counted > 1 else ""
    seeds = f"n: seeds{', ' + spread if spread else ''}."
    parts.append(wrapped(f"{_HIGHEST} the highest of a column. {seeds}", width=width))
    return Text("\n\n").join(parts)


def _evaluation(found: Ablation, id_: str, *, width: int) -> list[Text]:
    """As many blocks of columns as it takes, under one heading."""
    at = [i for i, column in enumerate(found.columns) if column.evaluation == id_]
    rows = (*found.beside, *found.rows)
    lines = {i: _column(found.columns[i], [row.cells[i] for row in rows]) for i in at}
    labels = (*(str(row.point) for row in found.rows), *(row.name for row in found.beside))
    front = max(map(len, labels)) + len("  n ")
    widths = [max(map(len, lines[i])) for i in at]
    blocks = side_by_side(widths, room=width - front)
    made = [_block(found, [lines[at[i]] for i in block]) for block in blocks]
    return [Text("\n").join([heading(id_), made[0]]), *made[1:]]


def _block(found: Ablation, columns: Sequence[Sequence[str]]) -> Text:
    names = [str(setting).partition("=")[0] for setting in found.rows[0].point.settings]
    lines: list[list[Cell]] = [
        [*(Text(name, "bold") for name in (*names, "n")), *(Text(c[0], "bold") for c in columns)],
        [*("" for _ in (*names, "n")), *(Text(c[1], "dim") for c in columns)],
    ]
    blank = [""] * (len(names) - 1)
    for at, beside in enumerate(found.beside, start=2):
        counted = Text(str(beside.seeds), "dim")
        cells = (Text(c[at], "dim") for c in columns)
        lines.append([Text(beside.name, "dim"), *blank, counted, *cells])
    for at, row in enumerate(found.rows, start=2 + len(found.beside)):
        settings = [str(setting).partition("=")[2] for setting in row.point.settings]
        count = str(row.done) if row.done == row.seeds else f"{row.done}/{row.seeds}"
        cells = (Text(c[at], "bold" if c[at].endswith(_HIGHEST) else "") for c in columns)
        lines.append([*(Text(value, "cyan") for value in settings), Text(count, "dim"), *cells])
    first = len(names)
    return aligned(lines, right=range(first, first + 1 + len(columns)))


def _column(column: Column, cells: Sequence[Score | None]) -> list[str]:
    """Two lines of heading, and cells; a blank instead of the mark, so that digits are in line."""
    lines = [f"{head} " for head in column_heads(dict(column.of), column.label)]
    for cell in cells:
        if cell is None:
            lines.append("– ")
            continue
        spread = "" if cell.deviation is None else f" ± {cell.deviation:.{column.digits}f}"
        mark = _HIGHEST if cell.highest else " "
        lines.append(f"{cell.mean:.{column.digits}f}{spread}{mark}")
    return lines


def failures(failed: Sequence[tuple[str, str]]) -> Text:
    """Which runs did not come to their end, and why."""
    rows: list[list[Cell]] = [[Text(run, "bold red"), why] for run, why in failed]
    title = f"{counted(len(failed), 'run')} failed:"
    return Text("\n").join([Text(title), aligned(rows, indent=2)])


def is_csv(path: Path) -> bool:
    """Whether a file begins as `as_csv` writes it, whatever the grid was."""
    columns = first_line(path).rstrip("\n").split(",")
    return columns[: len(_FIRST)] == [*_FIRST] and columns[-len(_LAST) :] == [*_LAST]


def as_csv(found: Ablation, study: Study) -> str:
    """One line per number of a run; an axis of the grid is a column of its own."""
    names = [setting.axis for setting in study.points[0].settings if setting.axis != "seed"]
    head = (*_FIRST, *names, *_LAST)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for one in found.values:
        point = one.row if isinstance(one.row, Point) else None
        settings = {s.axis: str(s).partition("=")[2] for s in point.settings} if point else {}
        writer.writerow(
            [
                str(one.row),
                *(settings.get(name, "") for name in names),
                one.seed,
                one.column.evaluation,
                one.column.metric,
                " ".join(f"{key}={value}" for key, value in one.column.of),
                "" if math.isnan(one.value) else repr(one.value),
                one.recipe,
                one.folder,
            ]
        )
    return text.getvalue()


def as_data(
    study: Study,
    standings: Sequence[Standing],
    *,
    found: Ablation | None = None,
    failed: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """The same as plain data.

    Args:
        found: None of a study that was only planned.
        failed: (run, why) of those that did not come to their end.
    """
    data: dict[str, Any] = {
        "runs": [
            {
                "points": [_settings(point) for point in run.points],
                "seed": run.plan.seed,
                "recipe": run.plan.recipe,
                "folder": str(run.folder),
                "mark": how.mark.value,
                "state": how.state.value,
                "step": how.step,
                "steps": how.steps,
                "problem": how.problem,
            }
            for run, how in zip(study.runs, standings, strict=True)
        ]
    }
    if found is None:
        return data
    data["failed"] = [{"run": run, "why": why} for run, why in failed]
    data["beside"] = [
        _cell(column, cell, row={"name": row.name})
        for row in found.beside
        for column, cell in zip(found.columns, row.cells, strict=True)
        if cell is not None
    ]
    data["table"] = [
        _cell(column, cell, row={"point": _settings(row.point)}) | {"highest": cell.highest}
        for row in found.rows
        for column, cell in zip(found.columns, row.cells, strict=True)
        if cell is not None
    ]
    return data


def _cell(column: Column, cell: Score, *, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "evaluation": column.evaluation,
        "metric": column.metric,
        "of": dict(column.of),
        "mean": cell.mean,
        "deviation": cell.deviation,
        "count": cell.count,
    }


def _settings(point: Point) -> dict[str, Any]:
    return {setting.axis: setting.value for setting in point.settings}
