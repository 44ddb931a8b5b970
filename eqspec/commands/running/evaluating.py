"""Evaluations of a prepared run, during training and at its end."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from typing import TYPE_CHECKING

from eqspec.commands.running.evaluation import EvaluationResult, damaged_results, result_names
from eqspec.commands.running.events import Evaluated, Evaluating, RunEvent, Stopped
from eqspec.commands.running.fine_tuning import FineTuner

if TYPE_CHECKING:
    from eqspec.commands.running.due import DueEvaluation
    from eqspec.commands.running.prepare import PreparedRun
    from eqspec.compile.types.plan import EvalPlan


def evaluate_run(run: PreparedRun) -> Generator[RunEvent, None, bool]:
    """Carry out the evaluations at the end of a run; return whether all of them are done."""
    yield from evaluate_due(run, run.final)
    stored = (EvaluationResult.read(run.folder, evaluation=e, step=step) for e, step in run.final)
    if run.strategy.decide(all(result is not None for result in stored)):
        return True
    reason = run.decisions.why_not_evaluated()
    yield Stopped(folder=run.folder.path, step=run.plan.train.steps, reason=reason)
    return False


def evaluate_due(run: PreparedRun, due: Iterable[DueEvaluation]) -> Iterator[RunEvent]:
    """Carry out evaluations of the current weights, or of those before training, until a stop.

    All processes take part in the training of an evaluation. The main process evaluates; the others
    wait for it at the next decision.
    """
    tuner = FineTuner(run.folder, run.plan, options=run.request.options, strategy=run.strategy)
    for evaluation, step in due:
        if not run.decisions.evaluate():
            return
        if run.opened is not None and _is_missing(run, evaluation, step=step):
            names = result_names(evaluation, step=step)
            damaged = {
                name: trouble for name, trouble in run.opened.damaged.items() if name in names
            }
            damaged |= damaged_results(run.folder, evaluation=evaluation, step=step)
            yield Evaluating(
                evaluation=evaluation, step=step, trains=run.plan.trains, damaged=damaged
            )
        graph = run.model.graph if step or not run.plan.trains else None
        data = run.data.of(evaluation)
        if not (yield from tuner.train(evaluation, step=step, graph=graph, data=data)):
            return
        if run.opened is None:
            continue
        began = time.monotonic()
        with run.model.uncompiled():
            evaluated = run.evaluator.evaluate(evaluation, step=step, graph=graph)
        run.decisions.budget.evaluated(time.monotonic() - began)
        yield Evaluated(result=evaluated, step=step, trains=run.plan.trains)


def _is_missing(run: PreparedRun, evaluation: EvalPlan, *, step: int) -> bool:
    return EvaluationResult.read(run.folder, evaluation=evaluation, step=step) is None
