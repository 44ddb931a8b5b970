"""How many processes read images beside the training. Free of torch.

`machine.workers: auto` is one for each core that the training leaves free, at most `MOST`; and none
where there is nothing to wait for, because the dataset holds its images in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from eqspec.build.cores import usable_cores
from eqspec.compile.types.plan import Plan
from eqspec.ops.find import find_dataset

MOST = 4
"""More are not taken by themselves: each holds two batches ready."""


@dataclass(frozen=True, slots=True)
class Readers:
    """The processes that read images, of one rank.

    Attributes:
        count: 0 where the training reads them itself.
        why: where the number comes from, in a few words; None where the spec says it.
    """

    count: int
    why: str | None = None

    def __str__(self) -> str:
        many = "1 worker" if self.count == 1 else f"{self.count or 'no'} workers"
        return many if self.why is None else f"{many} (auto: {self.why})"


def readers(plan: Plan, *, ranks: int = 1, cores: int | None = None) -> Readers:
    """The processes that a rank of a plan reads images with.

    Args:
        ranks: processes that train on this machine, and share its cores.
        cores: that all of them may use; as many as this process may, by default.
    """
    if plan.machine.workers != "auto":
        return Readers(plan.machine.workers)
    if find_dataset(plan.data.impl).in_memory:
        return Readers(0, "the images are in memory")
    there = usable_cores() if cores is None else cores
    many = "1 core" if there == 1 else f"{there} cores"
    shared = "" if ranks == 1 else f", shared by {ranks}"
    return Readers(min(max(there // ranks - 1, 0), MOST), f"of {many}{shared}")
