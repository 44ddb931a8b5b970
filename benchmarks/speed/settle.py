"""Child processes at rest: a turn ends when its workers have finished what it left to them.

Loader workers go on reading after a step, to refill their queues. Without waiting for them, a
contestant's reading would be done during another one's turn. Linux only; elsewhere nothing waits.
"""

from __future__ import annotations

import time
from pathlib import Path

POLL = 0.005
"""Seconds between two glances at the children."""

QUIET = 3
"""Consecutive glances without activity after which the children are at rest."""

LONGEST = 120.0
"""Seconds after which it is an error that they are still busy."""


def settle(process: int) -> float:
    """Wait until all descendants of a process are at rest; return the time at which they were.

    Returns:
        `time.perf_counter()` of the last activity, or of the call if there was none.

    Raises:
        TimeoutError: they are busy all the time.
    """
    began = last = time.perf_counter()
    before, quiet = _activity(process), 0
    while quiet < QUIET and before:
        time.sleep(POLL)
        now = _activity(process)
        if now == before and not any(running for _, running in now.values()):
            quiet += 1
        else:
            quiet, before, last = 0, now, time.perf_counter()
        if last - began > LONGEST:
            raise TimeoutError("child processes are busy all the time")
    return last


def descendants(process: int) -> tuple[int, ...]:
    """Return the children of a process, their children, and so on."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*"):
        try:
            children = (task / "children").read_text().split()
        except OSError:  # the thread has ended
            continue
        for child in map(int, children):
            found += [child, *descendants(child)]
    return tuple(found)


def _activity(process: int) -> dict[int, tuple[int, bool]]:
    """Return each descendant's processor time in ticks, and whether it is running."""
    found: dict[int, tuple[int, bool]] = {}
    for child in descendants(process):
        try:
            text = Path(f"/proc/{child}/stat").read_text()
        except OSError:  # it has ended
            continue
        # The name, in parentheses, may contain anything.
        state, *fields = text.rpartition(")")[2].split()
        found[child] = (int(fields[10]) + int(fields[11]), state in "RD")
    return found
