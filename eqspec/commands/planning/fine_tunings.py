"""Cost of the trainings of a plan's evaluations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eqspec.compile.fine_tune import FineTuneData, fine_tune_plan, parts, trains
from eqspec.registry.catalog import open_catalog

if TYPE_CHECKING:
    from eqspec.build.cost.cached import Trace
    from eqspec.compile.types.plan import EvalPlan, Plan


@dataclass(frozen=True, slots=True)
class FineTuningCost:
    """The trainings of one evaluation.

    Attributes:
        evaluation: its name.
        trainings: one for the encoder before training, and one after each of its steps.
        steps: steps of a training; None if neither the dataset's card nor the run's data have a
            number of images.
        batch: images per step.
        parameters: number of trained parameters.
        flops: operations of a training.
        checkpoint: approximate bytes that a training leaves on the disk.
    """

    evaluation: str
    trainings: int
    steps: int | None = None
    batch: int = 0
    parameters: int = 0
    flops: float = 0.0
    checkpoint: int = 0


def fine_tuning_costs(plan: Plan, *, traced: Callable[[Plan], Trace]) -> tuple[FineTuningCost, ...]:
    """Return the trainings of a plan's evaluations, in their order.

    Args:
        traced: counts the operations of a plan.
    """
    return tuple(_cost(plan, e, traced=traced) for e in plan.evaluations if trains(e))


def _cost(plan: Plan, evaluation: EvalPlan, *, traced: Callable[[Plan], Trace]) -> FineTuningCost:
    trainings = len(evaluation.steps) + (1 if plan.trains else 0) + len(evaluation.controls)
    count, classes = evaluation.data.count, evaluation.data.classes
    if not count or classes < 2:
        return FineTuningCost(evaluation.name, trainings)
    kept = round(count * (1 - parts(evaluation, classes=classes).held_back))
    data = FineTuneData(images=kept, classes=classes)
    child = fine_tune_plan(plan, evaluation, data=data, init=None, catalog=open_catalog())
    found, train = traced(child), child.train
    return FineTuningCost(
        evaluation=evaluation.name,
        trainings=trainings,
        steps=train.steps,
        batch=train.batch,
        parameters=found.trained,
        flops=found.train_gflops_per_sample * 1e9 * train.batch * train.steps,
        checkpoint=found.memory.checkpoint,
    )
