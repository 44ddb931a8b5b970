"""Targets of a batch, moved like the first global view of their images.

The loader's processes read them: crops are those of the pixels, and flips are drawn by the keys
that the device's steps use, so that both agree.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from eqspec.build.views.steps import build_steps
from eqspec.compile.types.plan import GLOBAL
from eqspec.nn.random.philox import Draws
from eqspec.ops.find import find_dataset, find_transform
from eqspec.ops.targets.collate import collate
from eqspec.ops.targets.geometry import Geometry
from eqspec.ops.targets.kinds import LABELS
from eqspec.ops.targets.union import Targets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from eqspec.build.data.loader import Batch
    from eqspec.build.views.steps import Step
    from eqspec.compile.types.plan import Plan
    from eqspec.compile.types.view_plan import AugmentStep, SingleViewPlan
    from eqspec.ops.targets.kinds import TargetType
    from eqspec.ops.tolerant import Dataset

    Moves = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def target_reader(plan: Plan, dataset: Dataset) -> ReadTargets | None:
    """Return the reader of the targets that a plan's graph reads; None if it reads none."""
    types = tuple(
        of
        for of in find_dataset(plan.data.impl).targets
        if any(name != LABELS and name in plan.graph.streams for name in of.streams(size=1))
    )
    if not types:
        return None
    assert isinstance(dataset, Targets), "the op declares targets"
    view = next(v for v in plan.views.views if v.group == GLOBAL)
    return ReadTargets(dataset, types=types, view=view, seed=plan.seed)


class ReadTargets:
    """Callable that returns the targets of a batch by stream.

    The transforms are built on the first call, in the process that reads.
    """

    def __init__(
        self, dataset: Targets, *, types: tuple[TargetType, ...], view: SingleViewPlan, seed: int
    ) -> None:
        self._dataset = dataset
        self._types = types
        self._view = view
        self._seed = seed

    @cached_property
    def _moves(self) -> tuple[tuple[Step, Moves], ...]:
        steps = zip(build_steps(self._view), self._view.steps, strict=True)
        return tuple(
            (built, self._homographies(step))
            for built, step in steps
            if find_transform(step.impl).kind == "geometry"
        )

    def _homographies(self, step: AugmentStep) -> Moves:
        op, size = find_transform(step.impl), self._view.size
        params = op.Params.model_validate(step.params)

        def homographies(theta: NDArray[np.float64]) -> NDArray[np.float64]:
            found = op.homographies(params, theta, size=size)
            assert found is not None, "the compiler refuses transforms that targets cannot follow"
            return found

        return homographies

    def __call__(self, batch: Batch, sizes: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
        """Return the targets of a batch.

        Args:
            batch: with the boxes of its crops.
            sizes: of the images, (height, width), `[b, 2]`.
        """
        geometries = self._geometries(batch, sizes)
        found: dict[str, NDArray[Any]] = {}
        for of in self._types:
            each = zip(batch.samples.tolist(), geometries, strict=True)
            moved = [self._dataset.target(i, of.declared).moved(g) for i, g in each]
            found |= collate(moved, of=of)
        return found

    def _geometries(self, batch: Batch, sizes: NDArray[np.int64]) -> list[Geometry]:
        size = (self._view.size, self._view.size)
        geometries: list[Geometry] = []
        boxes = batch.boxes[self._view.group, self._view.index]
        for (high, wide), (left, top, width, height) in zip(
            sizes.tolist(), boxes.tolist(), strict=True
        ):
            box = (left * wide, top * high, (left + width) * wide, (top + height) * high)
            geometries.append(Geometry.crop((high, wide), box=box, size=size))
        draws = Draws(self._seed)
        for step, homographies in self._moves:
            applied = step.draw(draws, batch)
            for row, matrix in zip(applied.rows, homographies(applied.theta), strict=True):
                geometries[row] = geometries[row].then(Geometry(matrix, size, size))
        return geometries
