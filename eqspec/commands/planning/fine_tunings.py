"""Cost of the trainings of a plan's evaluations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eqspec.commands.planning.estimate import journal_bytes
from eqspec.commands.planning.fine_tune_data import known_data
from eqspec.commands.planning.schedule import evaluation_steps
from eqspec.compile.evaluation_stages import trained_states
from eqspec.compile.fine_tune import fine_tune_plan
from eqspec.registry.catalog import open_catalog

if TYPE_CHECKING:
    from eqspec.build.cost.cached import Trace
    from eqspec.commands.planning.data_locations import DataLocations
    from eqspec.compile.types.plan import EvalPlan, Plan


@dataclass(frozen=True, slots=True)
class FineTuningCost:
    """The trainings of one evaluation.

    Attributes:
        evaluation: its name.
        trainings: one for each step after which the encoder is evaluated, and one for each control
            of the encoder before training.
        steps: steps of a training; None if the images are neither stated by the dataset's card nor
            found here.
        batch: images per step.
        parameters: number of trained parameters.
        flops: operations of a training.
        disk: approximate bytes that a training leaves on the disk: its last checkpoint, with the
            frozen encoder, and its journals.
    """

    evaluation: str
    trainings: int
    steps: int | None = None
    batch: int = 0
    parameters: int = 0
    flops: float = 0.0
    disk: int = 0


def fine_tuning_costs(
    plan: Plan, *, untrained: bool, locations: DataLocations, traced: Callable[[Plan], Trace]
) -> tuple[FineTuningCost, ...]:
    """Return the trainings of a plan's evaluations, in their order; none for those without any.

    Args:
        untrained: whether the encoder is also evaluated before training.
        locations: of datasets.
        traced: counts the operations of a plan.
    """
    trainings = {
        e.id: sum(
            len(trained_states(e, step=step))
            for step in evaluation_steps(plan, e, untrained=untrained)
        )
        for e in plan.evaluations
    }
    return tuple(
        _cost(plan, e, trainings=trainings[e.id], locations=locations, traced=traced)
        for e in plan.evaluations
        if trainings[e.id]
    )


def _cost(
    plan: Plan,
    evaluation: EvalPlan,
    *,
    trainings: int,
    locations: DataLocations,
    traced: Callable[[Plan], Trace],
) -> FineTuningCost:
    data = known_data(plan, evaluation, locations=locations)
    if data is None:
        return FineTuningCost(evaluation.name, trainings)
    child = fine_tune_plan(plan, evaluation, data=data, init=None, catalog=open_catalog())
    found, train = traced(child), child.train
    return FineTuningCost(
        evaluation=evaluation.name,
        trainings=trainings,
        steps=train.steps,
        batch=train.batch,
        parameters=found.trained,
        flops=found.train_gflops_per_sample * 1e9 * train.batch * train.steps,
        disk=found.memory.checkpoint + journal_bytes(child),
    )
