"""Level L4 of an audit: whether repeated evaluations give the stored numbers.

Every stored result is checked whose weights exist here: those before training, and those of saved
checkpoints. Nothing is written. This reveals a number that was edited and sealed again, which a
seal cannot.

On the CPU, with the code and environment of the run, every number has to be the same bit for bit:
no evaluation uses compiled code. Otherwise rounding differs, and training a readout amplifies the
difference: the evaluation op declares its `tolerance`, relative to 1 or to the number, whichever is
larger.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ValidationError

from eqspec.build.program import choose_device
from eqspec.commands.audit.evaluation_data import other_replaced
from eqspec.commands.audit.findings import Disagreement, Finding, Level
from eqspec.commands.planning.data_locations import DataLocations
from eqspec.commands.planning.run_plan import plan_in
from eqspec.commands.running.chosen_evaluations import protocols
from eqspec.commands.running.evaluation import (
    EvaluationResult,
    result_name,
    result_names,
    trained_names,
)
from eqspec.commands.running.evaluator import Evaluator
from eqspec.commands.running.model import weights_at
from eqspec.commands.running.out_of_memory import within_memory
from eqspec.commands.running.run_data import open_data
from eqspec.errors import EqspecError
from eqspec.ops.find import find_evaluation
from eqspec.runs import checkpoint
from eqspec.runs.results import DamagedResult, load_result, named_results
from eqspec.runs.retention import removable

if TYPE_CHECKING:
    from eqspec.build.graph.training_graph import TrainGraph
    from eqspec.compile.types.plan import EvalPlan, Plan
    from eqspec.nn.readouts.measurement import ResultSet
    from eqspec.runs.folder import RunFolder

_MOST = 20
"""Maximum number of differences of one result named."""


@dataclass(frozen=True, slots=True)
class _Gap:
    """A number that differs; None where it is missing."""

    name: str
    stored: float | None
    again: float | None

    @property
    def width(self) -> float:
        """Difference, relative to 1 or to the stored number, whichever is larger."""
        if self.stored is None or self.again is None:
            return math.inf
        width = abs(self.stored - self.again) / max(1.0, abs(self.stored))
        return width if math.isfinite(width) else math.inf


def evaluated_again(folder: RunFolder, *, data: DataLocations, same: bool) -> Iterator[Finding]:
    """Repeat every stored evaluation, in memory.

    Args:
        same: whether code and environment are those of the run.
    """
    try:
        plan = plan_in(folder.path)
        stored = [(id_, step) for _, id_, step in named_results(folder)]
        known = protocols(folder, plan, {id_ for id_, _ in stored})
        opened = open_data(plan, locations=data, evaluations=tuple(known.values()))
    except (EqspecError, ValidationError) as error:
        reason = error.message if isinstance(error, EqspecError) else "planned by another eqspec"
        yield _finding("results", f"cannot be evaluated here: {reason}")
        return
    if not stored:
        yield _finding("results", "there are none yet")
    rounding = _rounding(plan, same=same)
    evaluator = Evaluator(folder, plan, data=opened)
    again = _Again(folder, plan, evaluator=evaluator, rounding=rounding)
    for id_, step in sorted(stored, key=lambda one: (one[1], one[0])):
        if id_ in known:
            yield again.finding(known[id_], step=step)
        else:
            message = "not checked: neither the plan nor a card here has this protocol"
            yield _finding(f"{id_}.step-{step}", message)


def _rounding(plan: Plan, *, same: bool) -> str | None:
    """Return the reason why rounding may differ from the run; None if it may not."""
    if not same:
        return "code or environment differ from the run, see L1"
    if choose_device(plan.machine.device).type != "cpu":
        return "a GPU may add in another order"
    return None


class _Again:
    """Repeats evaluations of one run; weights are loaded once for each step."""

    def __init__(
        self, folder: RunFolder, plan: Plan, *, evaluator: Evaluator, rounding: str | None
    ) -> None:
        self._folder = folder
        self._plan = plan
        self._evaluator = evaluator
        self._rounding = rounding
        self._saved = checkpoint.steps(folder.checkpoints)
        self._at: tuple[int, TrainGraph | None] | None = None

    def finding(self, evaluation: EvalPlan, *, step: int) -> Finding:
        """Return the finding about one result and its controls."""
        about = f"{evaluation.id}.step-{step}"
        if self._needs_weights(evaluation, step=step) and step not in self._saved:
            return self._without_weights(about, step=step)
        try:
            before = self._stored(evaluation, step=step)
            with within_memory():
                after = self._repeated(evaluation, step=step)
        except DamagedResult as error:
            return _finding(about, error.message, holds=False)
        except EqspecError as error:
            return _finding(about, f"cannot be evaluated here: {error.message}")
        return self._compared(about, before, after=after)

    def _without_weights(self, about: str, *, step: int) -> Finding:
        """Return the finding about a result whose checkpoint is not there."""
        newest = max(self._saved, default=0)
        pauses = (pause for pause in self._plan.timetable if pause.checkpoint)
        saves = [pause.step for pause in pauses if pause.step <= newest]
        if step in removable(saves, keep=self._plan.keep):
            why = f"the checkpoint of step {step} was removed, as `keep:` of the spec wants it"
            return replace(_finding(about, f"not checked: {why}"), counts=False)
        return _finding(about, f"not checked: the checkpoint of step {step} is gone")

    def _needs_weights(self, evaluation: EvalPlan, *, step: int) -> bool:
        """Whether an evaluation reads a checkpoint of the run; a training has its own."""
        own = result_name(evaluation, step=step) in trained_names(evaluation, step=step)
        return (step > 0 or not self._plan.trains) and not own

    def _stored(self, evaluation: EvalPlan, *, step: int) -> dict[str, ResultSet]:
        names = result_names(evaluation, step=step)
        found = {name: load_result(self._folder, name=name) for name in names}
        return {name: result for name, result in found.items() if result is not None}

    def _repeated(self, evaluation: EvalPlan, *, step: int) -> EvaluationResult:
        if not self._needs_weights(evaluation, step=step):
            return self._evaluator.measure(evaluation, step=step, graph=None)
        if self._at is None or self._at[0] != step:
            self._at = step, weights_at(self._plan, self._folder, step=step)
        return self._evaluator.measure(evaluation, step=step, graph=self._at[1])

    def _compared(
        self, about: str, before: Mapping[str, ResultSet], *, after: EvaluationResult
    ) -> Finding:
        names = result_names(after.evaluation, step=after.step)
        made = dict(zip(names, (after.result, *after.controls.values()), strict=True))
        pairs = [(name, before[name], made[name]) for name in names if name in before]
        for name, one, other in pairs:
            if (reason := _not_comparable(one, other)) is not None:
                return _finding(about, f"not checked: `{name}` {reason}")
        damaged = [d for _, one, other in pairs for d in other_replaced(one.facts, other.facts)]
        if damaged:
            message = "was measured on data with other damaged images than here"
            return _finding(about, message, holds=False, disagreements=tuple(damaged[:_MOST]))
        gaps = [g for name, one, other in pairs for g in _gaps(one, other, of=name, result=about)]
        count = sum(len(one.measurements) for _, one, _ in pairs)
        if not gaps:
            return _finding(about, f"{count} numbers, the same bit for bit", holds=True)
        return self._differing(about, gaps, impl=after.evaluation.impl, count=count)

    def _differing(self, about: str, gaps: list[_Gap], *, impl: str, count: int) -> Finding:
        tolerance = find_evaluation(impl).tolerance
        widest = max(gap.width for gap in gaps)
        found = sorted(gaps, key=lambda gap: -gap.width)[:_MOST]
        listed = tuple(Disagreement(g.name, _text(g.stored), _text(g.again)) for g in found)
        if self._rounding is None:
            message = f"{_counted(gaps)}, although rounding does not differ here"
            return _finding(about, message, holds=False, disagreements=listed)
        if widest > tolerance:
            message = (
                f"{_counted(gaps)}, by up to {widest:.2g}, where rounding allows {tolerance:g}"
            )
            return _finding(about, message, holds=False, disagreements=listed)
        message = f"{count} numbers, the same within {tolerance:g} (largest gap {widest:.1g}): "
        return _finding(about, message + self._rounding, holds=True, beside=listed)


def _finding(
    about: str,
    message: str,
    *,
    holds: bool | None = None,
    disagreements: tuple[Disagreement, ...] = (),
    beside: tuple[Disagreement, ...] = (),
) -> Finding:
    return Finding(Level.RESULTS, about, holds, message, disagreements, beside)


def _counted(gaps: list[_Gap]) -> str:
    return "1 number differs" if len(gaps) == 1 else f"{len(gaps)} numbers differ"


def _not_comparable(before: ResultSet, after: ResultSet) -> str | None:
    """Return the reason why two results cannot be compared, if there is one."""
    if before.facts.get("rev") != after.facts.get("rev"):
        return f"was measured by rev {before.facts.get('rev')}, here it is {after.facts.get('rev')}"
    if before.facts.get("data") != after.facts.get("data"):
        return "was measured on other images than those found here"
    return None


def _gaps(before: ResultSet, after: ResultSet, *, of: str, result: str) -> Iterator[_Gap]:
    """Yield the numbers and per-sample values of two results that differ."""
    control = "" if of == result else f"{of.rpartition('.')[2]}: "
    numbers, others = _numbers(before), _numbers(after)
    for name in dict.fromkeys([*numbers, *others]):
        one, other = numbers.get(name), others.get(name)
        if one != other:
            yield _Gap(f"{control}{name}", one, other)
    yield from (_Gap(f"{control}{name}", *pair) for name, pair in _other_counts(before, after))
    for name in dict.fromkeys([*before.arrays, *after.arrays]):
        one, other = before.arrays.get(name), after.arrays.get(name)
        if one is None or other is None or one.shape != other.shape:
            yield _Gap(f"{control}{name}, per sample", None, None)
        elif not np.array_equal(one, other, equal_nan=one.dtype.kind == "f"):
            # Single samples differ more than their aggregate: their means are compared.
            yield _Gap(
                f"{control}{name}, mean over samples", float(one.mean()), float(other.mean())
            )


def _numbers(result: ResultSet) -> dict[str, float | None]:
    """Return every number of a result by its label; NaN is None, as in its file."""
    found: dict[str, float | None] = {}
    for one in result.measurements:
        found[one.label] = _finite(one.value)
        for interval in one.intervals:
            found[f"{one.label} {interval.over} low"] = _finite(interval.low)
            found[f"{one.label} {interval.over} high"] = _finite(interval.high)
    return found


def _other_counts(
    before: ResultSet, after: ResultSet
) -> Iterator[tuple[str, tuple[float | None, float | None]]]:
    """Yield the counts among the facts (images, classes, …) that differ, by name."""
    for name, value in after.facts.items():
        stored = before.facts.get(name)
        if isinstance(value, int) and stored != value:
            yield name, (float(stored) if isinstance(stored, int) else None, float(value))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(value: float | None) -> str | None:
    return None if value is None else repr(value)
