"""Runs beside one another: their scores, what one has above the others, and what each has taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eqspec.commands.running.evaluation import Judged
from eqspec.commands.running.usage import Effort, Pull, effort, pulls
from eqspec.compile.planner import UNTRAINED
from eqspec.compile.types.plan import EvalPlan, Plan
from eqspec.evals.evaluate import compare as differences
from eqspec.evals.evaluate import summary
from eqspec.nn.readouts.measurement import Interval, Measurement, ResultSet, Summary
from eqspec.ops.units import IMAGES_ALONE, Units, units

START = "start"
"""The row of published weights before they were trained on."""


@dataclass(frozen=True, slots=True)
class Done:
    """A run that is complete.

    Attributes:
        name: what it is called in the comparison.
        judged: every result of step 0 and of the last steps.
    """

    name: str
    plan: Plan
    folder: Path
    judged: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A number.

    Attributes:
        metric: its name.
        of: what it is a number of: a family and a border, a number of neighbours, or nothing.
        remark: a word that the evaluation has for it, such as ``collapsed``.
    """

    metric: str
    of: Mapping[str, str]
    value: float
    intervals: tuple[Interval, ...]
    remark: str = ""

    @property
    def column(self) -> tuple[str, ...]:
        """Where it stands in a table."""
        return (self.metric, *self.of.values())


@dataclass(frozen=True, slots=True)
class Row:
    """The scores of one encoder, or of one less those of another."""

    name: str
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One evaluation of every run.

    Attributes:
        shown: which numbers stand in it.
        data: what was judged on.
        rows: untrained first, then what was read without any encoder, then published weights
            before any training, then the runs as they were given.
        differences: what the last run has above each other one, on the same held-out samples.
        heldout: (samples, their sources) that it was measured on.
        units: what these are called.
    """

    evaluation: str
    shown: Summary
    data: str
    rows: tuple[Row, ...]
    differences: tuple[Row, ...]
    heldout: tuple[int, int]
    units: Units = IMAGES_ALONE


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is said of a series of runs when it is over."""

    tables: tuple[Table, ...]
    efforts: tuple[Effort, ...]
    pulls: tuple[Pull, ...]


def compare(done: Sequence[Done]) -> Comparison:
    """Compares complete runs; the last one is measured against each of the others.

    Raises:
        UsageError: two results were not measured on the same samples.
    """
    evaluations = {j.evaluation.id: j.evaluation for one in done for j in one.judged}
    tables = (_table(evaluation, done) for evaluation in evaluations.values())
    return Comparison(
        tables=tuple(table for table in tables if table is not None),
        efforts=tuple(effort(one.name, one.plan, one.folder) for one in done),
        pulls=tuple(p for one in done for p in pulls(one.name, one.plan, one.folder)),
    )


def _table(evaluation: EvalPlan, done: Sequence[Done]) -> Table | None:
    """None where no run has a number of the compared features."""
    shown, results = summary(evaluation), dict(_results(evaluation, done))
    untrained = results.get(UNTRAINED)
    rows = [
        Row(name, _remarked(headline_scores(found.measurements, shown), shown, untrained=untrained))
        for name, found in results.items()
    ]
    if not any(row.scores for row in rows):
        return None
    called = units(evaluation.data.impl)
    last, others = results.get(done[-1].name), [one.name for one in done[:-1]]
    facts = next(iter(results.values())).facts
    return Table(
        evaluation=evaluation.id,
        shown=shown,
        data=evaluation.data.name,
        rows=tuple(_in_words(row, called) for row in rows),
        differences=tuple(
            _in_words(
                Row(
                    f"{done[-1].name} − {name}",
                    headline_scores(differences(evaluation, last, results[name]), shown),
                ),
                called,
            )
            for name in others
            if last is not None and name in results
        ),
        heldout=(int(facts["heldout_images"]), int(facts["heldout_sources"])),
        units=called,
    )


def _in_words(row: Row, called: Units) -> Row:
    """The row with its intervals in the words of the data; one where two are over the same."""

    def worded(score: Score) -> Score:
        named = {called.words.get(i.over, i.over): i for i in reversed(score.intervals)}
        intervals = tuple(replace(i, over=over) for over, i in reversed(named.items()))
        return replace(score, intervals=intervals)

    return Row(row.name, tuple(worded(score) for score in row.scores))


def _results(evaluation: EvalPlan, done: Sequence[Done]) -> Iterator[tuple[str, ResultSet]]:
    """(name, result): untrained first, then controls, then each run's last."""
    of = [(one, j) for one in done for j in one.judged if j.evaluation.id == evaluation.id]
    before = [(one, judged) for one, judged in of if judged.step == 0]
    for one, judged in before:
        if (fresh := untrained_result(judged, one.plan)) is not None:
            yield _of(UNTRAINED, one, done), fresh
    for one, judged in before:
        if one is done[-1]:
            yield from ((n, result) for n, result in judged.controls.items() if n != UNTRAINED)
    starts = [(one, j) for one, j in before if one.plan.published and one.plan.trains]
    yield from ((_of(START, one, done), judged.result) for one, judged in starts)
    for one in done:
        if after := [j for of_one, j in of if of_one is one and is_last(j, one.plan)]:
            yield one.name, max(after, key=lambda judged: judged.step).result


def untrained_result(judged: Judged, plan: Plan) -> ResultSet | None:
    """The untrained encoder's, of what was judged before training.

    Where the encoder has published weights, an untrained one stands beside it as a control.
    """
    return judged.controls.get(UNTRAINED, None if plan.published else judged.result)


def is_last(judged: Judged, plan: Plan) -> bool:
    """Whether an encoder was judged after training; or as it is, where nothing is trained."""
    return judged.step > 0 or not plan.trains


def _of(row: str, one: Done, done: Sequence[Done]) -> str:
    """The name of a row; of the last run no more needs to be said."""
    return row if one is done[-1] else f"{row} {one.name}"


def headline_scores(measurements: Sequence[Measurement], shown: Summary) -> tuple[Score, ...]:
    """The scores of the compared features."""
    return tuple(
        Score(m.metric, dict(m.group), m.value, m.intervals) for m in shown.select(measurements)
    )


def _remarked(
    scores: tuple[Score, ...], shown: Summary, *, untrained: ResultSet | None
) -> tuple[Score, ...]:
    """The scores, those marked that lie too far below the untrained encoder's."""
    if shown.floor is None or untrained is None:
        return scores
    share, word = shown.floor
    floor = {s.column: share * s.value for s in headline_scores(untrained.measurements, shown)}
    return tuple(
        replace(s, remark=word) if s.column in floor and s.value < floor[s.column] else s
        for s in scores
    )
