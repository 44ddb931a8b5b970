"""Scheduled numbers of a plan: every number that changes with the step."""

from __future__ import annotations

from dataclasses import dataclass

from eqspec.compile.types.plan import Plan
from eqspec.ops.find import find_schedule
from eqspec.spec.duration import Clock
from eqspec.spec.use import OpCall


@dataclass(frozen=True, slots=True)
class Timeline:
    """Schedules of a plan; steps count from 0."""

    plan: Plan

    def value(self, number: float | OpCall, *, step: int) -> float:
        """Return a constant, or the value of a schedule at a step."""
        if not isinstance(number, OpCall):
            return float(number)
        op = find_schedule(number.impl)
        return op.value(op.Params.model_validate(number.params), step=step, clock=self._clock)

    def lr(self, step: int) -> float:
        """Return the learning rate before the scale of a parameter's rule."""
        return self.value(self.plan.train.lr, step=step)

    def weight_decay(self, step: int) -> float:
        """Return the weight decay of the parameters that decay."""
        return self.value(self.plan.train.weight_decay, step=step)

    def controls(self, step: int) -> dict[str, float]:
        """Return the scheduled inputs of the graph: ``<term>.weight``, ``<term>.<parameter>``."""
        return {
            f"{term.name}.{name}": self.value(number, step=step)
            for term in self.plan.graph.terms
            for name, number in {"weight": term.weight, **term.scheduled}.items()
        }

    def momenta(self, step: int) -> dict[str, float]:
        """Return teacher → share of the old weights that it keeps."""
        return {t.name: self.value(t.momentum, step=step) for t in self.plan.graph.teachers}

    @property
    def _clock(self) -> Clock:
        train = self.plan.train
        return Clock(total=train.steps, steps_per_epoch=train.steps_per_epoch, batch=train.batch)
