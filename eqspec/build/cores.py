"""Processor cores that this process may use. Free of torch."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(quota: Path = _QUOTA) -> int:
    """Return the cores that this process may run on, or fewer if its container's share is less.

    Args:
        quota: control group's file of microseconds per period: ``max 100000``.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(allowed or 1, _share(quota)))


def _share(quota: Path) -> int:
    """Return the cores that a control group grants; a very large number without a limit."""
    try:
        used, period = quota.read_text(encoding="ascii").split()
        return ceil(int(used) / int(period))
    except (OSError, ValueError, ZeroDivisionError):  # no such group, or `max`
        return 1 << 16
