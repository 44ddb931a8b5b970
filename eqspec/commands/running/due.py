"""Evaluations that are due in a run, and the steps after which they are."""

from __future__ import annotations

from typing import NamedTuple

from eqspec.commands.planning.schedule import evaluation_steps
from eqspec.compile.types.plan import EvalPlan, Pause, Plan
from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder


class DueEvaluation(NamedTuple):
    """An evaluation and the step after which it is due; step 0 is before any training."""

    evaluation: EvalPlan
    step: int


def final_evaluations(plan: Plan, *, untrained: bool) -> tuple[DueEvaluation, ...]:
    """Return the evaluations at the end of a run, those before training first.

    Args:
        untrained: also evaluate the encoder before training.
    """
    return tuple(
        DueEvaluation(evaluation, step)
        for step in sorted({0, plan.train.steps})
        for evaluation in plan.evaluations
        if step in evaluation_steps(plan, evaluation, untrained=untrained)
    )


def later_evaluations(plan: Plan, folder: RunFolder) -> tuple[DueEvaluation, ...]:
    """Return the evaluations during training from a run's last checkpoint on."""
    saved = max(checkpoint.steps(folder.checkpoints), default=0)
    return tuple(
        DueEvaluation(evaluation, step)
        for evaluation in plan.evaluations
        for step in evaluation_steps(plan, evaluation, untrained=False)
        if step >= saved
    )


def evaluations_at(plan: Plan, pause: Pause) -> tuple[DueEvaluation, ...]:
    """Return the evaluations at a pause; none at the last step, where the final ones follow."""
    if pause.step == plan.train.steps:
        return ()
    wanted = (evaluation for evaluation in plan.evaluations if evaluation.id in pause.evaluations)
    return tuple(DueEvaluation(evaluation, pause.step) for evaluation in wanted)
