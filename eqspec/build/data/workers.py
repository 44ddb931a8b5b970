"""Number of processes that read images for a training. Free of torch.

`machine.workers: auto` is one for each core that the training leaves free, at most `MOST`, and none
for a dataset in memory, where there is nothing to wait for.
"""

from __future__ import annotations

from dataclasses import dataclass

from eqspec.build.cores import usable_cores
from eqspec.compile.types.plan import Plan
from eqspec.ops.find import find_dataset

MOST = 4
"""Most that `auto` chooses: each keeps two batches in memory."""


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
    return Readers(min(max(there // ranks - 1, 0), MOST), f"of {many}{shared}")
