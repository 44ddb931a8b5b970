"""The number by which a stored result is known at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eqspec.ops.find import find_evaluation, op_names
from eqspec.runs.recorded_plan import RecordedPlan
from eqspec.runs.results import Measured, Report


@dataclass(frozen=True, slots=True)
class Headline:
    """One number of a run.

    Attributes:
        source: id of the evaluation.
        step: training steps done.
        label: its name and what it is a number of.
    """

    source: str
    step: int
    label: str
    value: float | None


def headlines(report: Report, plan: RecordedPlan) -> tuple[Measured, ...]:
    """The metrics that the evaluation's op calls its headline; else those named like the first."""
    impl = {e.id: e.impl for e in plan.evaluations}.get(report.id, report.id.rpartition("-")[0])
    known = impl in op_names("evaluations")
    names = set(find_evaluation(impl).headline.metrics) if known else set[str]()
    found = tuple(m for m in report.metrics if m.name in names)
    return found or tuple(m for m in report.metrics if m.name == report.metrics[0].name)


def last_headline(reports: Sequence[Report], plan: RecordedPlan) -> Headline | None:
    """The first headline of the first result after the most steps; None without results."""
    judged = [report for report in reports if report.metrics]
    if not judged:
        return None
    last = max(judged, key=lambda report: report.step)
    first = headlines(last, plan)[0]
    label = " ".join((first.name, *(v for k, v in first.group.items() if k != "interval")))
    return Headline(source=last.id, step=last.step, label=label, value=first.value)
