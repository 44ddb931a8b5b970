"""Some images of a dataset as one batch of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eqspec.build.data.loader import batches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eqspec.build.data.loader import Batch, Dataset
    from eqspec.compile.types.plan import Plan


def one_batch(plan: Plan, images: Dataset, *, rows: NDArray[np.int64]) -> Batch:
    """Return the images at some positions as a single batch, with crops as in training.

    Args:
        rows: positions in the dataset, `[n]`; the batch has them in another order.
    """
    chosen = _Chosen(images, rows)
    train = plan.train.model_copy(update={"batch": len(rows), "steps_per_epoch": 1})
    data = plan.data.model_copy(update={"held_back": 0.0})
    alone = plan.model_copy(update={"train": train, "data": data})
    return next(batches(alone, chosen, seed=plan.seed, start_step=0, steps=1))


@dataclass(frozen=True)
class _Chosen:
    """A subset of a dataset."""

    whole: Dataset
    rows: NDArray[np.int64]
    labels: None = None
    classes: tuple[str, ...] = ()

    @property
    def sources(self) -> NDArray[np.int64]:
        return self.whole.sources[self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def image(self, i: int) -> NDArray[np.uint8]:
        return self.whole.image(int(self.rows[i]))

    def fingerprint(self) -> str:
        return self.whole.fingerprint()
