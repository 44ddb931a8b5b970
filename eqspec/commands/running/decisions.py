"""When a run stops, saves and evaluates: the main process decides, the others follow."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from eqspec.commands.running.deadline import Budget
from eqspec.commands.running.events import StopReason
from eqspec.engine.events import Event, Stepped

if TYPE_CHECKING:
    from eqspec.build.parallel.strategy import Strategy
    from eqspec.commands.running.options import RunOptions

SAVE_AFTER = 900.0
"""Seconds after which a checkpoint is due even between pauses: a kill loses no more than that."""


class Decisions:
    """Decisions that depend on a clock, a signal or a measured time.

    Every process asks the same questions in the same order.

    Attributes:
        budget: how long steps, checkpoints and evaluations take.
    """

    def __init__(self, options: RunOptions, *, pauses: Collection[int], strategy: Strategy) -> None:
        """Begin to measure.

        Args:
            pauses: steps after which the plan has checkpoints or evaluations.
        """
        self.budget = Budget(options.deadline)
        self._options = options
        self._pauses = pauses
        self._strategy = strategy
        self._saved_at = time.monotonic()

    def stop(self, *, after: Event) -> StopReason | None:
        """Return why to stop after an event of the engine, if at all.

        Never between a step and the plan's pause after it, whose checkpoint or evaluations would be
        left out.
        """
        if isinstance(after, Stepped) and after.step in self._pauses:
            return None
        requested = self._options.should_stop()
        stop = self._strategy.decide(requested or not self.budget.fits_step())
        return self._reason(requested) if stop else None

    def save(self, *, step: int) -> bool:
        """Return whether a checkpoint is due between pauses."""
        if step in self._pauses:
            return False
        return self._strategy.decide(time.monotonic() - self._saved_at > SAVE_AFTER)

    def evaluate(self) -> bool:
        """Return whether to begin another evaluation."""
        stopping = self._options.should_stop()
        return self._strategy.decide(not stopping and self.budget.fits_evaluation())

    def why_not_evaluated(self) -> StopReason:
        """Return why evaluations were left out."""
        return self._reason(self._options.should_stop())

    def saved(self, *, seconds: float) -> None:
        """Note that a checkpoint was saved, and how long it took."""
        self._saved_at = time.monotonic()
        self.budget.saved(seconds)

    def _reason(self, requested: bool) -> StopReason:  # noqa: FBT001 - an answer, not a switch
        return StopReason.ASKED if self._strategy.decide(requested) else StopReason.TIME
