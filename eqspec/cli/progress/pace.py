"""Speed of trainings in progress, and lines of text about their steps from time to time."""

from __future__ import annotations

import time

from eqspec.commands.running.events import FineTuning
from eqspec.compile.types.plan import Plan
from eqspec.engine.events import Stepped
from eqspec.nn.readouts.floors import WINDOW, recent, share_of_variance
from eqspec.report.floors import live_phrase
from eqspec.report.numbers import duration, number
from eqspec.runs.floors import RunFloors

_SHARE = 0.05
"""Share of all steps after which another line is due."""

_PATIENCE = 30.0
"""Seconds after which a line is due in any case."""


class Pace:
    """Speed of a training over its last steps.

    Attributes:
        steps: of the training in all.
        floors: of the path, once they are known.
    """

    def __init__(self, steps: int, *, batch: int) -> None:
        self.steps = steps
        self.floors: RunFloors | None = None
        self.began = time.monotonic()
        self._batch = batch
        self._seconds: list[float] = []
        self._errors: list[float] = []

    def take(self, event: Stepped) -> None:
        """Note the duration of a step, and the error of its reconstruction."""
        self._seconds = [*self._seconds[-19:], event.seconds]
        stored = self.floors
        if stored is not None and (value := event.metrics.get(stored.term)) is not None:
            error = share_of_variance(value, reduction=stored.reduction, floors=stored.floors)
            self._errors = [*self._errors[1 - WINDOW :], error]

    def line(self, event: Stepped) -> str:
        """Return loss, reconstruction, speed and the estimated time that is left."""
        # The median: the first step fills caches, and any step may compile.
        each = sorted(self._seconds)[len(self._seconds) // 2]
        speed = self._batch / max(each, 1e-9)
        shown = number(round(speed)) if speed >= 10 else f"{speed:.2g}"
        left = duration((self.steps - event.step) * each)
        loss = f"loss {event.metrics['loss']:.4g}"
        return f"{loss}, {self._reconstruction()}{shown} samples/s, {left} left"

    def _reconstruction(self) -> str:
        """Return the error of the last reconstructions beside their floor; empty without a path."""
        stored = self.floors
        if stored is None or not self._errors:
            return ""
        return f"{live_phrase(stored.term, recent(self._errors), stored.floors)}, "


class StepLines:
    """Lines about the steps of one training.

    Attributes:
        pace: of the training.
    """

    def __init__(self, plan: Plan | None = None, *, done: int = 0) -> None:
        """Begin a training; without a plan, one of no steps.

        Args:
            done: steps that are done already.
        """
        steps, batch = (0, 0) if plan is None else (plan.train.steps, plan.train.batch)
        self.pace = Pace(steps, batch=batch)
        self._last = (done, time.monotonic())

    def line(self, event: Stepped) -> str:
        """Return the line about a step."""
        self.pace.take(event)
        total = number(self.pace.steps)
        return f"step {number(event.step):>{len(total)}} of {total}, {self.pace.line(event)}"

    def if_due(self, event: Stepped) -> str | None:
        """Return the line about a step if one is due: after a share of all steps, or some time."""
        line, (step, moment), now = self.line(event), self._last, time.monotonic()
        next_step = max(step + 1, step + _SHARE * self.pace.steps)
        if event.step < next_step and now - moment < _PATIENCE:
            return None
        self._last = (event.step, now)
        return line


class FineTuningLines:
    """Lines about the steps of one evaluation's training after another."""

    def __init__(self) -> None:
        self._training: object = None
        self._lines = StepLines()

    def line(self, event: FineTuning, step: Stepped) -> str:
        """Return the line about a step of a training."""
        return f"training {event.evaluation.name}, {self._of(event, step).line(step)}"

    def if_due(self, event: FineTuning, step: Stepped) -> str | None:
        """Return the line about a step of a training if one is due."""
        line = self._of(event, step).if_due(step)
        return None if line is None else f"training {event.evaluation.name}, {line}"

    def _of(self, event: FineTuning, step: Stepped) -> StepLines:
        training = event.evaluation.id, event.step, event.plan.init
        if training != self._training:  # the encoder before training and its controls have a step
            self._training = training
            self._lines = StepLines(event.plan, done=step.step - 1)
        return self._lines
