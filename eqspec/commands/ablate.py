"""`eqspec ablate`: a spec's recipe over a grid of values and seeds, and one table of all of it.

A study has no folder of its own: its runs are ordinary ones, and the table is made from them.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eqspec.commands.grid import Point
from eqspec.commands.planning.stages import Mark
from eqspec.commands.running.compare import Done, headline_scores
from eqspec.commands.running.judging import Judged
from eqspec.commands.running.request import RunRequest
from eqspec.commands.running.series import Manner, Member
from eqspec.commands.study import GridRun, Study, standing
from eqspec.evals.evaluate import headline
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
class Value:
    """One number of one run."""

    point: Point
    seed: int
    column: Column
    value: float
    recipe: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Ablation:
    """What a study has found so far."""

    columns: tuple[Column, ...]
    rows: tuple[PointRow, ...]
    values: tuple[Value, ...]


def member(run: GridRun, study: Study, manner: Manner, *, name: str) -> Member:
    """A run of a study, as a series makes it; nothing is judged before training.

    Args:
        name: what it is called while it is made.
    """
    request = RunRequest(
        plan=run.plan,
        spec_text=study.spec_text,
        root=manner.root,
        data=manner.data,
        untrained=False,
        retry=manner.retry,
        should_stop=manner.should_stop,
    )
    return Member(name=name, request=request)


def finished(run: GridRun) -> Done | None:
    """A run as its folder holds it; None unless it is complete."""
    if standing(run).mark is not Mark.CACHED:
        return None
    folder, last = RunFolder(run.folder), run.plan.train.steps
    found = [Judged.read(folder, evaluation=e, step=last) for e in run.plan.evaluations]
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
    values = tuple(
        value for run in runs for point in run.points for value in _values(run, done, point=point)
    )
    columns = tuple(dict.fromkeys(value.column for value in values))
    means = {column: _means(values, column) for column in columns}
    rows = tuple(
        PointRow(
            point=point,
            cells=tuple(means[column].get(point) for column in columns),
            done=sum(point in run.points for run in runs),
            seeds=sum(point in run.points for run in study.runs),
        )
        for point in study.points
    )
    return Ablation(columns, rows, values)


def _means(values: Sequence[Value], column: Column) -> dict[Point, Cell]:
    numbers: dict[Point, list[float]] = {}
    for value in values:
        if value.column == column and not math.isnan(value.value):
            numbers.setdefault(value.point, []).append(value.value)
    means = {point: statistics.fmean(over) for point, over in numbers.items()}
    return {
        point: Cell(
            mean=means[point],
            deviation=statistics.stdev(over) if len(over) > 1 else None,
            count=len(over),
            highest=len(means) > 1 and means[point] == max(means.values()),
        )
        for point, over in numbers.items()
    }


def _values(run: GridRun, done: Mapping[Path, Done], *, point: Point) -> Iterator[Value]:
    for judged in done[run.folder].judged:
        for column, number in _headline(judged):
            yield Value(point, run.plan.seed, column, number, run.plan.recipe, run.folder)


def _headline(judged: Judged) -> Iterator[tuple[Column, float]]:
    """The numbers that tables show."""
    shown = headline(judged.evaluation)
    for score in headline_scores(judged.result.metrics, shown):
        column = Column(
            evaluation=judged.evaluation.id,
            metric=score.metric,
            label=shown.metrics[score.metric],
            of=tuple(score.of.items()),
            digits=shown.digits,
        )
        yield column, score.value
