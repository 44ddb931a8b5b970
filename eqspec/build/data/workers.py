"""Number of processes that read images for a training. Free of torch.

`machine.workers: auto` is one for each core that the training leaves free, as far as the batches
that they prepare ahead take at most `AHEAD` bytes, and none for a dataset in memory, where there is
nothing to wait for.
"""

from __future__ import annotations

from dataclasses import dataclass

from eqspec.build.cores import usable_cores
from eqspec.compile.types.plan import Plan
from eqspec.ops.find import find_dataset

MOST = 32
"""Most that `auto` chooses."""

AHEAD = 4 << 30
"""Bytes of pixels that the workers of a rank keep ready at most; `auto` chooses two in any case."""

BATCHES_AHEAD = 2
"""Batches that each worker prepares ahead."""


@dataclass(frozen=True, slots=True)
class Readers:
    """The processes of one rank that read images.

    Attributes:
        count: 0 if the training reads them itself.
        why: origin of the number, in a few words; None if the spec sets it.
    """

    count: int
    why: str | None = None

    def __str__(self) -> str:
        many = "1 worker" if self.count == 1 else f"{self.count or 'no'} workers"
        return many if self.why is None else f"{many} (auto: {self.why})"


def readers(plan: Plan, *, ranks: int = 1, cores: int | None = None) -> Readers:
    """Return the processes with which a rank of a plan reads images.

    Args:
        ranks: processes that train on this machine, and share its cores.
        cores: usable by all of them; by default, those that this process may use.
    """
    if plan.machine.workers != "auto":
        return Readers(plan.machine.workers)
    if find_dataset(plan.data.impl).in_memory:
        return Readers(0, "the images are in memory")
    there = usable_cores() if cores is None else cores
    many = "1 core" if there == 1 else f"{there} cores"
    shared = "" if ranks == 1 else f", shared by {ranks}"
    free = max(there // ranks - 1, 0)
    fitting = max(2, AHEAD // (BATCHES_AHEAD * _batch_bytes(plan, ranks=ranks)))
    count = min(free, fitting, MOST)
    limited = ", as many as keep 4 GiB ready" if fitting < min(free, MOST) else ""
    return Readers(count, f"of {many}{shared}{limited}")


def _batch_bytes(plan: Plan, *, ranks: int) -> int:
    """Return the bytes of the pixels that a worker hands over for one rank's share of a batch."""
    share = max(1, plan.train.batch // ranks)
    return share * sum(3 * v.canvas**2 for v in plan.views.views if v.copy_of is None)
