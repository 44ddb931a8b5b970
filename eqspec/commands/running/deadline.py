"""A time by which a command has to be over, and whether the next piece of work still fits in."""

from __future__ import annotations

import time
from dataclasses import dataclass

MARGIN = 1.0
"""Seconds left for what is not measured."""

RECENT = 20
"""Steps by which the length of the next one is judged; older ones may have compiled."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a command has to be over.

    Attributes:
        at: on the clock of `time.monotonic`, in seconds.
    """

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    def leaves(self, seconds: float) -> bool:
        """Whether work of this length would be done in time."""
        return time.monotonic() + seconds + MARGIN < self.at


class Budget:
    """What the pieces of a run take, and so which of them still fit in before a deadline."""

    def __init__(self, deadline: Deadline | None) -> None:
        self._deadline = deadline
        self._steps: list[float] = []
        self._saving = 0.0
        self._judging = 0.0

    def stepped(self, seconds: float) -> None:
        """A step took so long."""
        self._steps = [*self._steps[-RECENT + 1 :], seconds]

    def saved(self, seconds: float) -> None:
        """A checkpoint took so long."""
        self._saving = max(self._saving, seconds)

    def judged(self, seconds: float) -> None:
        """An evaluation took so long; the first one is begun without knowing."""
        self._judging = max(self._judging, seconds)

    def fits_step(self) -> bool:
        """Whether another step, and a checkpoint after it, would be done in time."""
        # Twice: disks are slower when others write, and the first save is not known yet.
        return self._fits(max(self._steps, default=0.0) + 2 * self._saving)

    def fits_judging(self) -> bool:
        """Whether another evaluation would be done in time."""
        return self._fits(self._judging)

    def _fits(self, seconds: float) -> bool:
        return self._deadline is None or self._deadline.leaves(seconds)
