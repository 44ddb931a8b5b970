"""Comparison of finished runs: their measurements, their differences, and their cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eqspec.commands.running.controls import Contrast, cause_sentences, contrasts
from eqspec.commands.running.evaluation import EvaluationResult
from eqspec.commands.running.floors import trained_reconstruction
from eqspec.commands.running.result_data import (
    on_other_data,
    other_data_sentences,
    replaced_sentences,
)
from eqspec.commands.running.usage import Effort, Pull, effort, pulls
from eqspec.compile.planner import UNTRAINED
from eqspec.compile.types.plan import EvalPlan, Plan
from eqspec.evals.evaluate import compare as differences
from eqspec.evals.evaluate import summary
from eqspec.nn.readouts.measurement import ENCODER, Measurement, ResultSet, Summary
from eqspec.ops.units import Units, units
from eqspec.report.border_shortcut import Gain, border_shortcuts
from eqspec.report.tables.comparison import EvaluationTable
from eqspec.runs.floors import Reconstruction, reconstruction
from eqspec.runs.folder import RunFolder
from eqspec.runs.tables import Entry, Kind, Table

START = "start"
"""The row of published weights before they were trained on."""


@dataclass(frozen=True, slots=True)
class Done:
    """A run that is complete.

    Attributes:
        name: its name in the comparison.
        results: every result of step 0 and of the last steps.
    """

    name: str
    plan: Plan
    folder: Path
    results: tuple[EvaluationResult, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The results, the cost and the gradient ratios of a series of runs.

    Attributes:
        reconstructions: name of a run → its reconstruction beside the floors of its path.
    """

    tables: tuple[EvaluationTable, ...]
    efforts: tuple[Effort, ...]
    pulls: tuple[Pull, ...]
    reconstructions: Mapping[str, Reconstruction]


def compare(done: Sequence[Done]) -> Comparison:
    """Compare complete runs, and the last one with each of the others.

    Results on different held-out images stand in one table, with a note and without a difference.

    Raises:
        UsageError: two results were not measured on the same samples of the same data.
    """
    evaluations = {j.evaluation.id: j.evaluation for one in done for j in one.results}
    tables = (_table(evaluation, done) for evaluation in evaluations.values())
    return Comparison(
        tables=tuple(one for one in tables if one is not None),
        efforts=tuple(effort(one.name, one.plan, one.folder) for one in done),
        pulls=tuple(p for one in done for p in pulls(one.name, one.plan, one.folder)),
        reconstructions={
            one.name: found
            for one in done
            if trained_reconstruction(one.plan) is not None
            and (found := reconstruction(RunFolder(one.folder))) is not None
        },
    )


def _table(evaluation: EvalPlan, done: Sequence[Done]) -> EvaluationTable | None:
    """None where no run has a summary metric."""
    shown, results = summary(evaluation), tuple(_results(evaluation, done))
    found = tuple(contrasts(done))
    apart = tuple(_differences(evaluation, results, shown, found=found))
    entries = [*_entries(results, shown), *apart]
    if not entries:
        return None
    words = units(evaluation.data.impl)
    facts = results[0].results.facts
    stored = (one.results.facts for one in results)  # older results call them `short_of`
    caveats = [text for f in stored for text in f.get("caveats", f.get("short_of", ()))]
    return EvaluationTable(
        evaluation=evaluation.name,
        summary=shown,
        data=evaluation.data.name,
        table=Table.of(_in_words(entry, words) for entry in entries),
        heldout=(int(facts["heldout_images"]), int(facts["heldout_sources"])),
        units=words,
        caveats=tuple(dict.fromkeys(caveats)),
        notes=(*_notes(results), *_findings(apart, found)),
    )


def _notes(found: Sequence[_Named]) -> Iterator[str]:
    """Yield sentences about the images behind the rows."""
    named = [(one.name, one.results) for one in found]
    yield from other_data_sentences(named)
    yield from replaced_sentences(named)


@dataclass(frozen=True, slots=True)
class _Named:
    """Return the results of one row."""

    name: str
    kind: Kind
    results: ResultSet


def _entries(found: Sequence[_Named], shown: Summary) -> Iterator[Entry]:
    untrained = next((one.results for one in found if one.name == UNTRAINED), None)
    for one in found:
        for measurement in shown.select(one.results.measurements):
            remark = _remark(measurement, shown, untrained=untrained)
            yield Entry(one.name, one.kind, measurement, remark=remark)


def _differences(
    evaluation: EvalPlan, results: Sequence[_Named], shown: Summary, *, found: Sequence[Contrast]
) -> Iterator[Entry]:
    """Return the differences between runs on the same held-out images."""
    runs = {one.name: one.results for one in results if one.kind is Kind.RUN}
    for one in found:
        of, over = runs.get(one.of), runs.get(one.over)
        if of is not None and over is not None and not on_other_data(of, over):
            for measurement in shown.select(differences(evaluation, of, over)):
                yield Entry(one.row, Kind.DIFFERENCE, measurement)


def _findings(apart: Sequence[Entry], found: Sequence[Contrast]) -> Iterator[str]:
    """Yield sentences on what the differences show."""
    rows = {entry.row for entry in apart}
    yield from cause_sentences([one for one in found if one.row in rows])
    for one in found:
        gains = [_gain(entry.measurement) for entry in apart if entry.row == one.row]
        yield from border_shortcuts(filter(None, gains), of=one.of, over=one.over)


def _gain(difference: Measurement) -> Gain | None:
    """Return a difference of encoder features as a gain; None where there is no border."""
    family, border = difference.of("family"), difference.of("border")
    if family is None or border is None or difference.row != ENCODER:
        return None
    clear = bool(difference.intervals) and all(one.low > 0 for one in difference.intervals)
    return Gain(family, border, difference.value, clear=clear)


def _remark(measurement: Measurement, shown: Summary, *, untrained: ResultSet | None) -> str:
    """Return the word for a value too far below the untrained encoder's."""
    if shown.floor is None or untrained is None:
        return ""
    share, word = shown.floor
    before = {m.key: m.value for m in shown.select(untrained.measurements)}
    floor = share * before.get(measurement.key, math.nan)
    return word if measurement.value < floor else ""


def _in_words(entry: Entry, words: Units) -> Entry:
    """Return the entry with the data's words for its intervals, without duplicates."""
    named = {words.words.get(i.over, i.over): i for i in reversed(entry.measurement.intervals)}
    intervals = tuple(replace(i, over=over) for over, i in reversed(named.items()))
    return replace(entry, measurement=replace(entry.measurement, intervals=intervals))


def _results(evaluation: EvalPlan, done: Sequence[Done]) -> Iterator[_Named]:
    """Return the baselines, then each run's last result."""
    of = [(one, j) for one in done for j in one.results if j.evaluation.id == evaluation.id]
    yield from _baselines(
        [(one, evaluated) for one, evaluated in of if evaluated.step == 0], last=done[-1]
    )
    for one in done:
        if after := [j for of_one, j in of if of_one is one and is_last(j, one.plan)]:
            yield _Named(
                one.name, Kind.RUN, max(after, key=lambda evaluated: evaluated.step).result
            )


def _baselines(before: Sequence[tuple[Done, EvaluationResult]], *, last: Done) -> Iterator[_Named]:
    """Return untrained encoders, controls of the last run, published weights before training."""
    for one, evaluated in before:
        if (fresh := untrained_result(evaluated, one.plan)) is not None:
            yield _Named(_of(UNTRAINED, one, last=last), Kind.BASELINE, fresh)
    controls = (evaluated.controls for one, evaluated in before if one is last)
    for name, result in (item for of in controls for item in of.items()):
        if name != UNTRAINED:
            yield _Named(name, Kind.BASELINE, result)
    for one, evaluated in before:
        if one.plan.published and one.plan.trains:
            yield _Named(_of(START, one, last=last), Kind.BASELINE, evaluated.result)


def untrained_result(evaluated: EvaluationResult, plan: Plan) -> ResultSet | None:
    """Return the untrained encoder's result, from the evaluation before training.

    If the encoder starts from published weights, it is a control of the evaluation.
    """
    return evaluated.controls.get(UNTRAINED, None if plan.published else evaluated.result)


def is_last(evaluated: EvaluationResult, plan: Plan) -> bool:
    """Return whether an evaluation came after training, or the plan trains nothing."""
    return evaluated.step > 0 or not plan.trains


def _of(row: str, one: Done, *, last: Done) -> str:
    """Return the name of a baseline's row, with the name of its run unless that is the last."""
    return row if one is last else f"{row} {one.name}"
