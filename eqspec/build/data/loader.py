"""The loader: the batch of a training step as a pure function of plan, seed and step.

The images of a step, their crops and their pixels do not depend on the step at which a run was
started, on the number of ranks or on the number of workers. So one integer resumes it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset as StepDataset

from eqspec.build.data.ahead import SharedPixels, prepared_ahead, shared_pixels
from eqspec.build.data.batch import Batch, Crops
from eqspec.errors import EqspecError
from eqspec.nn.random.philox import Draws
from eqspec.nn.random.source_slice import in_slice
from eqspec.ops.targets.kinds import LABELS
from eqspec.ops.tolerant import INCOMPLETE, Dataset, Tolerant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from eqspec.compile.types.plan import Plan


TargetReader = Callable[[Batch, "NDArray[np.int64]"], "Mapping[str, NDArray[Any]]"]
"""Function from a batch and the sizes of its images (height, width), `[b, 2]`, to its targets."""


def batches(  # noqa: PLR0913 - what a batch is, which of them, and whose share of them
    plan: Plan,
    dataset: Dataset,
    *,
    seed: int,
    start_step: int,
    steps: int,
    rank: int = 0,
    world: int = 1,
    workers: int = 0,
    targets: TargetReader | None = None,
) -> Iterator[Batch]:
    """Yield the batches of consecutive training steps, for one rank.

    With workers, the pixels of a batch may change once the next but one is asked for.

    Args:
        plan: with the views, the global batch and the steps per epoch.
        dataset: the training split, opened.
        seed: keys the order and the crops.
        start_step: the first step.
        steps: number of steps.
        rank: rank r gets positions [r·b, (r+1)·b) of the global batch.
        world: number of ranks; divides the global batch.
        workers: processes that prepare batches ahead; with 0, each is prepared on request.
        targets: reads targets other than classes, if the graph does.

    Raises:
        EqspecError: the dataset has another size than in the plan, or an image cannot be read.
    """
    each_step = _Steps(plan, dataset, seed=seed, rank=rank, world=world, targets=targets)
    wanted = range(start_step, start_step + steps)
    if workers == 0:
        return _counted((each_step.batch(step) for step in wanted), dataset)
    each_step.shared = shared_pixels(each_step.shapes, workers=workers)
    return _counted(_received(each_step, wanted, workers=workers), dataset)


def _counted(built: Iterator[Batch], dataset: Dataset) -> Iterator[Batch]:
    """Yield batches, and count the images read for each, by any process, as it is yielded."""
    for batch in built:
        if isinstance(dataset, Tolerant):
            dataset.note(batch.unreadable)
            if dataset.watched is not None and batch.reading is not None:
                dataset.watched.take(batch.reading)
        yield batch


class _Steps(StepDataset["Batch | EqspecError"]):
    """Map-style dataset whose item t is the whole batch of step t.

    A worker's failure is returned as a value: raised there, it would arrive as a traceback.
    """

    def __init__(
        self,
        plan: Plan,
        dataset: Dataset,
        *,
        seed: int,
        rank: int,
        world: int,
        targets: TargetReader | None = None,
    ) -> None:
        self.targets = targets
        self.labels = dataset.labels if LABELS in plan.graph.streams else None
        self.dataset = dataset
        self.draws = Draws(seed)
        self.steps_per_epoch = plan.train.steps_per_epoch
        self.share, rest = divmod(plan.train.batch, world)
        assert rest == 0, "the planner sees to it that the ranks divide the batch"
        self.kept = np.arange(len(dataset))
        if plan.data.held_back:
            self.kept = np.flatnonzero(~in_slice(dataset.sources, share=plan.data.held_back))
        if len(self.kept) // plan.train.batch != self.steps_per_epoch:
            msg = (
                f"the plan counts {plan.data.count} images in `{plan.data.name}`, "
                f"but {len(dataset)} were found"
            )
            raise EqspecError(msg, help=INCOMPLETE)
        self.batch_size = plan.train.batch
        self.positions = np.arange(rank * self.share, (rank + 1) * self.share, dtype=np.int64)
        self._order: tuple[int, NDArray[np.int64]] | None = None
        self.crops = Crops(dataset, plan.views, draws=self.draws)
        self.shared: SharedPixels | None = None

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the canvases of a batch, one for each view that is read."""
        return self.crops.shapes(self.share)

    def __getitem__(self, step: int) -> Batch | EqspecError:
        try:
            batch = self.batch(step)
        except EqspecError as error:
            return error
        if self.shared is not None:
            return replace(batch, canvases={})
        # Arrays go through a pipe; tensors would need /dev/shm, and containers have little of it.
        arrays: Any = {name: pixels.numpy() for name, pixels in batch.canvases.items()}
        return replace(batch, canvases=arrays)

    def received(self, batch: Batch) -> Batch:
        """Return a batch from a worker with its pixels as tensors."""
        arrays: Any = batch.canvases
        if self.shared is not None:
            arrays = self.crops.named(self.shared.arrays(batch.step))
        return replace(batch, canvases={name: torch.from_numpy(a) for name, a in arrays.items()})

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the epoch's permutation, cached for the steps of the epoch."""
        if self._order is None or self._order[0] != epoch:
            order = self.draws.order(epoch=epoch, count=len(self.kept))
            self._order = epoch, self.kept[order]
        return self._order[1]

    def batch(self, step: int) -> Batch:
        """Return this rank's share of the batch of a step."""
        watched = self.dataset.watched if isinstance(self.dataset, Tolerant) else None
        if watched is None:
            return self._built(step)
        with watched.logged() as numbers:
            built = self._built(step)
        return replace(built, reading=watched.reading(numbers))

    def _built(self, step: int) -> Batch:
        epoch, within = divmod(step, self.steps_per_epoch)
        samples = self.order(epoch)[within * self.batch_size + self.positions]
        into = None if self.shared is None else self.shared.arrays(step)
        made, sizes = self.crops.batch(
            samples, positions=self.positions, step=step, epoch=epoch, into=into
        )
        labels = None if self.labels is None else self.labels[samples]
        built = replace(made, labels=labels)
        return built if self.targets is None else replace(built, targets=self.targets(built, sizes))


def _received(each_step: _Steps, wanted: range, *, workers: int) -> Iterator[Batch]:
    for batch in prepared_ahead(each_step, wanted, workers=workers):
        if isinstance(batch, EqspecError):
            raise batch
        yield each_step.received(batch)
