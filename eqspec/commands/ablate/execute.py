"""`eqspec ablate`: a spec's recipe over a grid of values and seeds, and one table of all of it.

Beside the points stand the encoders as they were before training, and what a protocol finds without
any encoder: what a point has learned is what it has above these. A study has no folder of its own:
its runs are ordinary ones, and the table is made from them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eqspec.commands.ablate.grid import Point
from eqspec.commands.ablate.study import GridRun, Study, standing
from eqspec.commands.planning.stages import Mark
from eqspec.commands.running.comparison import Done, headline_scores, is_last, untrained_result
from eqspec.commands.running.evaluation import Judged
from eqspec.commands.running.options import RunOptions
from eqspec.commands.running.request import RunRequest
from eqspec.commands.running.series import Member, untrained_encoder
from eqspec.compile.planner import UNTRAINED
from eqspec.compile.types.plan import EvalPlan
from eqspec.evals.evaluate import summary
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.runs.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Column:
    """A number that every run has.

    Attributes:
        evaluation: its id.
        metric: its name.
        label: its heading; empty where what it is of says it all.
        of: (key, value) of what it is a number of.
        digits: after the point.
    """

    evaluation: str
    metric: str
    label: str
    of: tuple[tuple[str, str], ...]
    digits: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A number over seeds.

    Attributes:
        deviation: sample standard deviation (of n − 1); None of a single seed.
        count: of the seeds that have the number.
        highest: no other point has a higher mean.
    """

    mean: float
    deviation: float | None
    count: int
    highest: bool


@dataclass(frozen=True, slots=True)
class PointRow:
    """A point of the grid.

    Attributes:
        cells: one per column; None where no run has the number.
        done: seeds whose runs are complete.
        seeds: in all.
    """

    point: Point
    cells: tuple[Cell | None, ...]
    done: int
    seeds: int


@dataclass(frozen=True, slots=True)
class BesideRow:
    """What stands beside the points: an untrained encoder, or a control without any.

    Attributes:
        cells: one per column; None where there is no such number.
        seeds: that it was measured with.
    """

    name: str
    cells: tuple[Cell | None, ...]
    seeds: int


@dataclass(frozen=True, slots=True)
class Value:
    """One number of one run.

    Attributes:
        row: its point, or the name of what stands beside the points.
    """

    row: Point | str
    seed: int
    column: Column
    value: float
    recipe: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Ablation:
    """What a study has found so far."""

    columns: tuple[Column, ...]
    beside: tuple[BesideRow, ...]
    rows: tuple[PointRow, ...]
    values: tuple[Value, ...]


def member(run: GridRun, study: Study, options: RunOptions, *, name: str) -> Member:
    """Return a run of a study as a member of a series.

    Args:
        name: shown while it runs.
    """
    request = RunRequest(
        run.plan,
        options,
        spec_text=study.spec_text,
        folder=run.folder,
        untrained=run.untrained,
    )
    return Member(name=name, request=request)


def finished(run: GridRun) -> Done | None:
    """A run as its folder holds it; None unless it is complete."""
    if standing(run).mark is not Mark.CACHED:
        return None
    folder, last = RunFolder(run.folder), run.plan.train.steps
    moments = [
        (evaluation, step)
        for step in ((0, last) if run.untrained and last else (last,))
        for evaluation in run.plan.evaluations
    ]
    found = [Judged.read(folder, evaluation=e, step=step) for e, step in moments]
    judged = tuple(one for one in found if one is not None)
    if len(judged) < len(found):  # one is damaged
        return None
    return Done(name=run.name, plan=run.plan, folder=run.folder, judged=judged)


def ablation(study: Study, done: Mapping[Path, Done]) -> Ablation:
    """The table of a study.

    Args:
        done: the runs that are complete, by folder.
    """
    runs = [run for run in study.runs if run.folder in done]
    values = (
        *_beside(runs, done),
        *(v for run in runs for point in run.points for v in _values(run, done, point=point)),
    )
    columns = tuple(dict.fromkeys(value.column for value in values))
    means = {column: _means(values, column) for column in columns}
    names = dict.fromkeys(value.row for value in values if isinstance(value.row, str))
    return Ablation(
        columns,
        tuple(
            BesideRow(
                name=name,
                cells=tuple(means[column].get(name) for column in columns),
                seeds=len({value.seed for value in values if value.row == name}),
            )
            for name in names
        ),
        tuple(
            PointRow(
                point=point,
                cells=tuple(means[column].get(point) for column in columns),
                done=sum(point in run.points for run in runs),
                seeds=sum(point in run.points for run in study.runs),
            )
            for point in study.points
        ),
        values,
    )


def _means(values: Sequence[Value], column: Column) -> dict[Point | str, Cell]:
    numbers: dict[Point | str, list[float]] = {}
    for value in values:
        if value.column == column and not math.isnan(value.value):
            numbers.setdefault(value.row, []).append(value.value)
    means = {row: statistics.fmean(over) for row, over in numbers.items()}
    of_points = [mean for row, mean in means.items() if isinstance(row, Point)]
    return {
        row: Cell(
            mean=means[row],
            deviation=statistics.stdev(over) if len(over) > 1 else None,
            count=len(over),
            highest=isinstance(row, Point) and len(of_points) > 1 and means[row] == max(of_points),
        )
        for row, over in numbers.items()
    }


def _beside(runs: Sequence[GridRun], done: Mapping[Path, Done]) -> Iterator[Value]:
    """Untrained encoders, one per seed and kind of encoder, then the controls."""
    judged = [(run, j) for run in _first(runs) for j in done[run.folder].judged if j.step == 0]
    kinds = list(dict.fromkeys(_kind(run) for run, _ in judged))
    first = {_kind(run): run.points[0] for run, _ in reversed(judged)}
    for run, one in judged:
        several = len(kinds) > 1
        name = f"{UNTRAINED}, {first[_kind(run)]}" if several else UNTRAINED
        fresh = untrained_result(one, run.plan)
        yield from () if fresh is None else _numbers(run, one, fresh, row=name)
    for run, one in judged:
        for name, result in one.controls.items():
            if name != UNTRAINED:
                yield from _numbers(run, one, result, row=name)


def _first(runs: Sequence[GridRun]) -> Iterator[GridRun]:
    """Of runs with published weights, the first of each kind of encoder and seed.

    They all have an untrained one beside them; of others, one is marked already.
    """
    seen: set[str] = set()
    for run in runs:
        kind = repr(untrained_encoder(run.plan))
        if run.plan.published is None or kind not in seen:
            yield run
        seen.add(kind)


def _kind(run: GridRun) -> str:
    """Which encoder a run starts with, seeds aside."""
    _, *encoder = untrained_encoder(run.plan)
    return repr(encoder)


def _values(run: GridRun, done: Mapping[Path, Done], *, point: Point) -> Iterator[Value]:
    for judged in done[run.folder].judged:
        if is_last(judged, run.plan):
            yield from _numbers(run, judged, judged.result, row=point)


def _numbers(
    run: GridRun, judged: Judged, result: ResultSet, *, row: Point | str
) -> Iterator[Value]:
    for column, number in _headline(judged.evaluation, result):
        yield Value(row, run.plan.seed, column, number, run.plan.recipe, run.folder)


def _headline(evaluation: EvalPlan, result: ResultSet) -> Iterator[tuple[Column, float]]:
    """The numbers that tables show."""
    shown = summary(evaluation)
    for score in headline_scores(result.measurements, shown):
        column = Column(
            evaluation=evaluation.id,
            metric=score.metric,
            label=shown.metrics[score.metric],
            of=tuple(score.of.items()),
            digits=shown.digits,
        )
        yield column, score.value
