"""The measurement shown of a run where there is room for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eqspec.nn.readouts.measurement import Measurement, ResultSet
from eqspec.ops.find import find_evaluation, op_names
from eqspec.runs.recorded_plan import RecordedPlan


@dataclass(frozen=True, slots=True)
class SummaryMetric:
    """The summary metric of a run.

    Attributes:
        step: training steps of the encoder that was evaluated.
    """

    measurement: Measurement
    step: int


def summary_metrics(results: ResultSet, plan: RecordedPlan) -> tuple[Measurement, ...]:
    """Return the summary metrics of a result; without its op here, those named like the first.

    Args:
        plan: of the run; an evaluation added since is looked up by its name.
    """
    impls = {one.id: one.impl for one in plan.evaluations}
    impl = impls.get(results.protocol.id, results.protocol.evaluation)
    known = impl in op_names("evaluations")
    names = set(find_evaluation(impl).summary.metrics) if known else set[str]()
    found = tuple(m for m in results.measurements if m.name in names)
    return found or tuple(m for m in results.measurements if m.name == results.measurements[0].name)


def latest_summary(results: Sequence[ResultSet], plan: RecordedPlan) -> SummaryMetric | None:
    """Return the first summary metric after the most steps; None without results."""
    measured = [one for one in results if one.measurements]
    if not measured:
        return None
    last = max(measured, key=lambda one: one.step)
    return SummaryMetric(summary_metrics(last, plan)[0], step=last.step)
