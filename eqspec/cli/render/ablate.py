"""Output of `eqspec ablate`: the runs of a study, and the tables of its results."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from eqspec.cli.columns import Cell as TextCell
from eqspec.cli.columns import aligned
from eqspec.cli.layout import wrapped
from eqspec.cli.render.blocks import drawn
from eqspec.commands.ablate.grid import Point
from eqspec.commands.ablate.study import GridRun, RunProgress, Study
from eqspec.commands.output_files import first_line
from eqspec.commands.planning.stages import Mark
from eqspec.report.numbers import number
from eqspec.report.tables.ablation import HIGHEST, AblationTable, blocks
from eqspec.runs.highest import highest
from eqspec.runs.tables import Cell, Column, Kind
from eqspec.spec.phrases import counted

_STYLES = {Mark.RUN: "green", Mark.CACHED: "dim", Mark.CHANGED: "yellow"}

_FIRST, _LAST = ("point",), ("seed", "evaluation", "metric", "of", "value", "recipe", "folder")
"""Columns of the CSV file before and after those of the grid's axes."""


def planned(study: Study, progress_of_runs: Sequence[RunProgress], *, width: int | None) -> Text:
    """Return one line per run, in order of execution, and the work that remains."""
    rows: list[list[TextCell]] = [
        [
            Text(progress.mark.value, _STYLES[progress.mark]),
            *(Text(str(setting), "cyan") for setting in run.points[0].settings),
            Text(f"seed {run.plan.seed}"),
            str(run.folder),
            Text(_progress(run, progress), "dim"),
        ]
        for run, progress in zip(study.runs, progress_of_runs, strict=True)
    ]
    return Text("\n\n").join([aligned(rows, width=width), Text(left(progress_of_runs))])


def left(progress_of_runs: Sequence[RunProgress]) -> str:
    """Summarise the remaining work in a sentence."""
    marks = [progress.mark for progress in progress_of_runs]
    counts = {
        "to start": marks.count(Mark.RUN),
        "to continue": marks.count(Mark.CHANGED),
        "done": marks.count(Mark.CACHED),
    }
    states = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    steps = counted(sum(progress.left for progress in progress_of_runs), "step")
    return f"{counted(len(marks), 'run')}: {states}; {steps} left."


def _progress(run: GridRun, progress: RunProgress) -> str:
    same = "".join(f"; also {point}" for point in run.points[1:])
    if progress.problem is not None:
        return f"{progress.problem}{same}"
    if progress.mark is Mark.CHANGED and progress.left == 0:
        return f"trained to the end, {counted(progress.steps, 'step')}, to be evaluated{same}"
    steps = counted(progress.steps, "step")
    if progress.mark is Mark.CHANGED:
        steps = f"{number(progress.step)} of {steps} saved, {progress.state.value}"
    return steps + same


def table(found: AblationTable, *, width: int) -> Text:
    """Draw a table for each evaluation, with a legend."""
    parts = [drawn((one,), width=width) for one in blocks(found)]
    if not parts:
        return wrapped("No run has been evaluated: `evaluate:` of the spec is empty.", width=width)
    several = found.most_seeds > 1
    spread = ", mean ± standard deviation over seeds (of the sample: n − 1)" if several else ""
    noise = (
        "95 % interval of the difference over seeds excludes 0 (Welch)"
        if several
        else "95 % intervals over held-out samples do not overlap; the noise over seeds is unknown"
    )
    clear = f"above its baselines and clearly above every other point ({noise})"
    note = f"{HIGHEST} the highest of a column, if {clear}. n: seeds{spread}."
    return Text("\n\n").join([*parts, wrapped(note, width=width)])


def failures(failed: Sequence[tuple[str, str]]) -> Text:
    """List the failed runs with the reasons."""
    rows: list[list[TextCell]] = [[Text(run, "bold red"), why] for run, why in failed]
    title = f"{counted(len(failed), 'run')} failed:"
    return Text("\n").join([Text(title), aligned(rows, indent=2)])


def is_csv(path: Path) -> bool:
    """Whether a file has the header that `as_csv` writes, for any grid."""
    columns = first_line(path).rstrip("\n").split(",")
    return columns[: len(_FIRST)] == [*_FIRST] and columns[-len(_LAST) :] == [*_LAST]


def as_csv(found: AblationTable, study: Study) -> str:
    """Format the measurements as CSV: one per line, with a column for each axis of the grid."""
    names = [setting.axis for setting in study.points[0].settings if setting.axis != "seed"]
    settings = {point.name: point.settings for point in found.points}
    of_baseline: dict[str, str] = {}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*_FIRST, *names, *_LAST))
    for entry in found.entries:
        one, source = entry.measurement, entry.source
        assert source is not None, "every entry of an ablation has a run"
        of_point = settings[entry.row] if entry.kind is Kind.RUN else of_baseline
        writer.writerow(
            [
                entry.row,
                *(of_point.get(name, "") for name in names),
                source.seed,
                one.protocol.evaluation,
                one.name,
                " ".join(f"{key}={value}" for key, value in one.group),
                "" if math.isnan(one.value) else repr(one.value),
                source.recipe,
                source.folder,
            ]
        )
    return text.getvalue()


def as_data(
    study: Study,
    progress_of_runs: Sequence[RunProgress],
    *,
    found: AblationTable | None = None,
    failed: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return the study as plain data.

    Args:
        found: None for a study that was only planned.
        failed: (run, reason) for each failed run.
    """
    data: dict[str, Any] = {
        "runs": [
            {
                "points": [_settings(point) for point in run.points],
                "seed": run.plan.seed,
                "recipe": run.plan.recipe,
                "folder": str(run.folder),
                "mark": progress.mark.value,
                "state": progress.state.value,
                "step": progress.step,
                "steps": progress.steps,
                "problem": progress.problem,
            }
            for run, progress in zip(study.runs, progress_of_runs, strict=True)
        ]
    }
    if found is None:
        return data
    data["failed"] = [{"run": run, "why": why} for run, why in failed]
    data["baselines"] = [
        _cell(column, cell, row={"name": row.name})
        for row in found.baselines
        for column, cell in row.cells.items()
        if cell.values
    ]
    data["table"] = [
        _cell(column, cell, row={"point": _settings(point)})
        | {"highest": _is_highest(found, column, cell)}
        for point in study.points
        for column, cell in found.table.row(str(point)).items()
        if cell.values
    ]
    return data


def _is_highest(found: AblationTable, column: Column, cell: Cell) -> bool:
    shown = found.summaries.get(column.evaluation)
    if shown is not None and column.metric in shown.lower:
        return False
    return cell.value == highest(found.table, column).value


def _cell(column: Column, cell: Cell, *, row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "evaluation": column.evaluation,
        "metric": column.metric,
        "of": dict(column.group),
        "mean": cell.value,
        "deviation": cell.deviation,
        "count": len(cell.values),
    }


def _settings(point: Point) -> dict[str, Any]:
    return {setting.axis: setting.value for setting in point.settings}
