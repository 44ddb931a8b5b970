"""Runs beside one another: their scores, what one has above the others, and what each has taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from eqspec.commands.judging import Judged
from eqspec.commands.plans import spec_of
from eqspec.compile.plan import EvalPlan, Plan
from eqspec.evals.evaluate import compare as differences
from eqspec.nn.scores import Metric
from eqspec.runs import journal
from eqspec.runs.artifacts import read_document
from eqspec.runs.folder import RunFolder
from eqspec.spec.use import OpCall

FEATURES = "encoder"
"""Which features are compared: all runs have them."""

UNTRAINED = "untrained"


@dataclass(frozen=True, slots=True)
class Done:
    """A run that is complete.

    Attributes:
        name: what it is called in the comparison.
        judged: every result of step 0 and of the last step.
    """

    name: str
    plan: Plan
    folder: Path
    judged: tuple[Judged, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval; `over` says what was resampled: ``crops`` or ``photos``."""

    over: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Score:
    """A number for one family of transformations under one border."""

    family: str
    border: str
    value: float
    intervals: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """The scores of one encoder, or of one less those of another."""

    name: str
    scores: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One evaluation of every run.

    Attributes:
        rows: untrained first, then the runs as they were given.
        differences: what the last run has above each other one, on the same held-out samples.
        heldout: (images, photographs) that it was measured on.
    """

    evaluation: str
    rows: tuple[Row, ...]
    differences: tuple[Row, ...]
    heldout: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Effort:
    """What a run has taken.

    Attributes:
        samples: images seen, repeats counted.
        seconds: wall time of its steps.
        parameters: that were trained.
        encoder: those of the encoder.
    """

    name: str
    samples: int
    seconds: float
    parameters: int
    encoder: int


@dataclass(frozen=True, slots=True)
class Added:
    """A term that a rewrite added.

    Attributes:
        weight: in the loss; None where it follows a schedule.
        by_lambda: the weight is the spec's λ.
        reduction: how its errors become one number, where there are several ways.
    """

    term: str
    weight: float | None
    by_lambda: bool
    reduction: str | None


@dataclass(frozen=True, slots=True)
class Pull:
    """How hard the terms that a rewrite added pull on the encoder, beside the method's own.

    Attributes:
        step: when it was last measured.
        ratio: of the norms of the two gradients at the encoder's output; None over nothing.
    """

    name: str
    step: int
    ratio: float | None
    added: tuple[Added, ...]


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
    evaluations = {e.id: e for one in done for e in one.plan.evaluations}
    tables = (_table(evaluation, done) for evaluation in evaluations.values())
    return Comparison(
        tables=tuple(table for table in tables if table is not None),
        efforts=tuple(_effort(one) for one in done),
        pulls=tuple(pull for one in done for pull in _pull(one)),
    )


def _table(evaluation: EvalPlan, done: Sequence[Done]) -> Table | None:
    """None where the evaluation has no R² to compare."""
    results = dict(_results(evaluation, done))
    rows = [Row(name, _scores(j.result.metrics, named="r2")) for name, j in results.items()]
    if not any(row.scores for row in rows):
        return None
    last, others = results.get(done[-1].name), [one.name for one in done[:-1]]
    facts = next(iter(results.values())).result.facts
    return Table(
        evaluation=evaluation.id,
        rows=tuple(rows),
        differences=tuple(
            Row(f"{done[-1].name} − {name}", _gaps(evaluation, last, results[name]))
            for name in others
            if last is not None and name in results
        ),
        heldout=(int(facts["heldout_images"]), int(facts["heldout_photos"])),
    )


def _results(evaluation: EvalPlan, done: Sequence[Done]) -> Iterator[tuple[str, Judged]]:
    """(name, result): untrained first, then each run's last."""
    of = [(one, j) for one in done for j in one.judged if j.evaluation.id == evaluation.id]
    for one, judged in of:
        if judged.step == 0:
            yield UNTRAINED if one is done[-1] else f"{UNTRAINED} {one.name}", judged
    for one, judged in of:
        if judged.step == one.plan.train.steps:
            yield one.name, judged


def _gaps(evaluation: EvalPlan, a: Judged, b: Judged) -> tuple[Score, ...]:
    return _scores(differences(evaluation, a.result, b.result), named="r2_difference")


def _scores(metrics: Sequence[Metric], *, named: str) -> tuple[Score, ...]:
    """The scores of the compared features, their intervals gathered."""
    found: dict[tuple[str, str], list[Metric]] = {}
    for metric in metrics:
        if metric.name == named and metric.of("row") == FEATURES:
            family, border = metric.of("family"), metric.of("border")
            assert family is not None, "R² is of a family"
            assert border is not None, "under a border"
            found.setdefault((family, border), []).append(metric)
    return tuple(
        Score(family, border, same[0].value, tuple(i for m in same for i in _interval(m)))
        for (family, border), same in found.items()
    )


def _interval(metric: Metric) -> Iterator[Interval]:
    over = metric.of("interval")
    if over is not None and metric.low is not None and metric.high is not None:
        yield Interval(over, metric.low, metric.high)


class _Trace(BaseModel):
    model_config = ConfigDict(frozen=True)

    parameters: dict[str, int]


def _effort(one: Done) -> Effort:
    folder, train = RunFolder(one.folder), one.plan.train
    counts = read_document(one.folder / "trace.json", kind=_Trace).parameters
    encoder = next(m.name for m in one.plan.graph.modules if m.family == "backbones")
    return Effort(
        name=one.name,
        samples=train.steps * train.batch,
        seconds=sum(row.values["seconds"] for row in journal.read(folder.timing)),
        parameters=sum(counts.values()),
        encoder=counts[encoder],
    )


def _pull(one: Done) -> Iterator[Pull]:
    graph = one.plan.graph
    rows = journal.read(RunFolder(one.folder).metrics)
    measured = [row for row in rows if "cut.added" in row.values]
    if not measured:
        return
    values, asked = measured[-1].values, spec_of(one.plan).equivariance
    assert asked != "none", "a rewrite added the terms"
    yield Pull(
        name=one.name,
        step=measured[-1].step,
        ratio=values["cut.added"] / values["cut.method"] if values["cut.method"] else None,
        added=tuple(
            Added(
                term=term.name,
                weight=None if isinstance(term.weight, OpCall) else term.weight,
                by_lambda=term.weight == asked.lambda_,
                reduction=str(term.params["reduction"]) if "reduction" in term.params else None,
            )
            for term in graph.terms
            if term.name in graph.added
        ),
    )
