"""Which checkpoints of a run may go: the rule behind a spec's `keep:`, and nothing else."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keep:
    """Which checkpoints stay.

    Attributes:
        last: the newest so many, at least 1: a run resumes from the newest one, or from the one
            before where that is damaged.
        every: those whose step is a multiple of it stay for good; None keeps no others.
    """

    last: int = 2
    every: int | None = None

    def __post_init__(self) -> None:
        """Refuses a rule under which a run could lose its newest checkpoint."""
        assert self.last >= 1, "the newest checkpoint always stays"
        assert self.every is None or self.every >= 1, "a number of steps"


def removable(saved: Collection[int], *, keep: Keep) -> tuple[int, ...]:
    """The steps whose checkpoints the rule does not need, ascending; never the newest one.

    Args:
        saved: steps of all complete checkpoints of a run.
    """
    steps = sorted(set(saved))
    newest = set(steps[-keep.last :])
    return tuple(s for s in steps if s not in newest and (keep.every is None or s % keep.every))
