"""Time limit of a command, and whether the next piece of work still fits into it."""

from __future__ import annotations

import time
from dataclasses import dataclass

MARGIN = 1.0
"""Seconds reserved for work that is not measured."""

RECENT = 20
"""Last steps from which the duration of the next one is estimated; earlier ones may compile."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment by which a command must be over.

    Attributes:
        at: in seconds of `time.monotonic`.
    """

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the moment this many seconds from now."""
        return cls(time.monotonic() + seconds)

    def leaves(self, seconds: float) -> bool:
        """Return whether work of this duration would end in time."""
        return time.monotonic() + seconds + MARGIN < self.at


class Budget:
    """Measured durations of the parts of a run, and whether another one fits before a deadline."""

    def __init__(self, deadline: Deadline | None) -> None:
        self._deadline = deadline
        self._steps: list[float] = []
        self._saving = 0.0
        self._evaluating = 0.0

    def stepped(self, seconds: float) -> None:
        """Note the duration of a step."""
        self._steps = [*self._steps[-RECENT + 1 :], seconds]

    def saved(self, seconds: float) -> None:
        """Note the duration of saving a checkpoint."""
        self._saving = max(self._saving, seconds)

    def evaluated(self, seconds: float) -> None:
        """Note the duration of an evaluation; until the first one it counts as 0."""
        self._evaluating = max(self._evaluating, seconds)

    def fits_step(self) -> bool:
        """Return whether another step, and a checkpoint after it, would end in time."""
        # Twice: disks are slower while other processes write, and the first save is unknown.
        return self._fits(max(self._steps, default=0.0) + 2 * self._saving)

    def fits_evaluation(self) -> bool:
        """Return whether another evaluation would end in time."""
        return self._fits(self._evaluating)

    def _fits(self, seconds: float) -> bool:
        return self._deadline is None or self._deadline.leaves(seconds)
