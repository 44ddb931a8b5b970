"""The rule for keeping checkpoints, `keep:` in a spec."""

from __future__ import annotations

from collections.abc import Collection

from eqspec.compile.types.plan import KeepPlan


def removable(saved: Collection[int], *, keep: KeepPlan) -> tuple[int, ...]:
    """Return the steps whose checkpoints the rule does not keep, ascending; never the newest one.

    Args:
        saved: steps of all complete checkpoints of a run.
    """
    steps = sorted(set(saved))
    newest = set(steps[-keep.last :])
    return tuple(s for s in steps if s not in newest and (keep.every is None or s % keep.every))
