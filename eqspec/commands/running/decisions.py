"""Decides when a run stops, saves and evaluates."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from eqspec.commands.running.deadline import Budget
from eqspec.commands.running.events import Why
from eqspec.engine.events import Event, Stepped

if TYPE_CHECKING:
    from eqspec.commands.running.options import RunOptions

SAVE_AFTER = 900.0
"""Seconds after which a checkpoint is due even between pauses: a kill loses no more than that."""


class Decisions:
    """Answers from a clock, a signal or a measured time: what no plan determines.

    Attributes:
        budget: how long steps, checkpoints and evaluations take.
    """

    def __init__(self, options: RunOptions, *, pauses: Collection[int]) -> None:
        """Begin to measure.

        Args:
            pauses: steps after which the plan itself asks for checkpoints or evaluations.
        """
        self.budget = Budget(options.deadline)
        self._options = options
        self._pauses = pauses
        self._saved_at = time.monotonic()

    def stop(self, *, after: Event) -> Why | None:
        """Return why to stop after an event of the engine, if at all.

        Never between a step and the pause that the plan has after it: what the pause is for would
        be left out.
        """
        if isinstance(after, Stepped) and after.step in self._pauses:
            return None
        if self._options.should_stop():
            return Why.ASKED
        return None if self.budget.fits_step() else Why.TIME

    def save(self, *, step: int) -> bool:
        """Return whether a checkpoint is due between pauses."""
        return step not in self._pauses and time.monotonic() - self._saved_at > SAVE_AFTER

    def evaluate(self) -> bool:
        """Return whether to begin another evaluation."""
        return not self._options.should_stop() and self.budget.fits_judging()

    def why_not_evaluated(self) -> Why:
        """Return why evaluations were left out."""
        return Why.ASKED if self._options.should_stop() else Why.TIME

    def saved(self, *, seconds: float) -> None:
        """Note that a checkpoint was written, and how long it took."""
        self._saved_at = time.monotonic()
        self.budget.saved(seconds)
