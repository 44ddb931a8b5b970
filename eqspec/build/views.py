"""Views on the device: augmentation steps, the transform path in one resampling, normalisation.

Every parameter is drawn on the CPU in float64, keyed by the sample and the epoch, and rounded once;
so a sample gets the same views wherever it stands in a batch, on whichever rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from eqspec.build.stored import action_of
from eqspec.nn.philox import Draws
from eqspec.ops.find import find_op

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.build.data import Batch
    from eqspec.compile.plan import AugmentStep, PathPlan, SingleViewPlan, ViewPlan
    from eqspec.nn.path import At, Border


@dataclass(frozen=True, slots=True)
class ViewBatch:
    """The views of a batch, ready for the graph.

    Attributes:
        images: group -> float32 `[V, b, 3, size, size]`, normalised.
        between: float32 `[K, b, 3, size, size]`, the path's images in [0, 1], not normalised.
        theta: float32 `[b, P]`, the path's parameters in the transform's units.
        actions: float32 `[b, A]`, their encoding; or what stored latents say of a pair.
    """

    images: Mapping[str, Tensor]
    between: Tensor | None = None
    theta: Tensor | None = None
    actions: Tensor | None = None


@dataclass(frozen=True, slots=True)
class _Transform:
    """A transform op, built for one place in one view.

    Attributes:
        key: names its draws.
        low, span: `[P]`, the range of each parameter in the op's units.
        at: makes pixels.
        encode: the op's action encoding, theta `[b, P]` -> `[b, A]`; of paths only.
    """

    key: str
    view: int
    low: NDArray[np.float64]
    span: NDArray[np.float64]
    at: At
    encode: Callable[[NDArray[np.float64]], NDArray[np.float64]]

    def draw(self, draws: Draws, batch: Batch) -> NDArray[np.float64]:
        """Parameters uniform between the ranges, `[b, P]`."""
        if len(self.low) == 0:
            return np.empty((len(batch.samples), 0))
        uniforms = draws.uniform(
            self.key, step=batch.epoch, samples=batch.samples, view=self.view, count=len(self.low)
        )
        return self.low + uniforms * self.span


class DeviceViews:
    """Makes the views of a batch from the loader's canvases. Call it with a `Batch`."""

    def __init__(self, plan: ViewPlan, *, seed: int, device: torch.device | str) -> None:
        """Looks up and builds every transform of the plan.

        Args:
            plan: the views, the path and the normalisation.
            seed: keys the draws.
            device: where pixels are made.

        Raises:
            UnknownOp: a transform does not exist.
        """
        self.plan = plan
        self.draws = Draws(seed)
        self.device = torch.device(device)
        self._steps = {(v.group, v.index): _build_steps(v) for v in plan.views}
        self._path = None if plan.path is None else _build_path(plan.path, plan)
        relation = None if plan.pair is None else plan.pair.relation
        self._action = None if relation is None else action_of(relation)
        self._mean = torch.tensor(plan.mean, device=self.device)[:, None, None]
        self._std = torch.tensor(plan.std, device=self.device)[:, None, None]

    @torch.no_grad()
    def __call__(self, batch: Batch) -> ViewBatch:
        """The views of a batch."""
        path, theta, between = self.plan.path, None, None
        groups: dict[str, list[Tensor]] = {}
        for view in self.plan.views:
            canvas = self._augmented(view, batch)
            if path is not None and (view.group, view.index) == (path.group, path.view):
                assert self._path is not None, "built from the same plan"
                theta = self._path.draw(self.draws, batch)
                points = self._path.at(canvas, self._ship(theta), fractions=(*path.fractions, 1.0))
                between, pixels = points[:-1], points[-1]
            else:
                pixels = _centre(canvas, size=view.size)
            groups.setdefault(view.group, []).append((pixels - self._mean) / self._std)
        images = {name: torch.stack(pixels) for name, pixels in groups.items()}
        if self._action is not None:
            assert batch.latents is not None, "the loader read them for the same plan"
            return ViewBatch(images=images, actions=self._ship(self._action(batch.latents)))
        if theta is None or self._path is None:
            return ViewBatch(images=images)
        actions = self._ship(self._path.encode(theta))
        return ViewBatch(images=images, between=between, theta=self._ship(theta), actions=actions)

    def _augmented(self, view: SingleViewPlan, batch: Batch) -> Tensor:
        """The view's canvas after its steps, `[b, 3, canvas, canvas]` in [0, 1]."""
        canvas = batch.canvases[view.group, view.index].to(self.device).to(torch.float32) / 255
        for transform, p in self._steps[view.group, view.index]:
            chosen = self.draws.uniform(
                f"{transform.key}.apply",
                step=batch.epoch,
                samples=batch.samples,
                view=view.index,
                count=1,
            )
            # Known on the CPU, so that only these rows are computed and no device is waited for.
            rows = np.flatnonzero(chosen[:, 0] < p)
            if len(rows) == 0:
                continue
            theta = self._ship(transform.draw(self.draws, batch)[rows])
            index = torch.from_numpy(rows).to(self.device)
            (changed,) = transform.at(canvas[index], theta, fractions=(1.0,))
            canvas = canvas.index_copy(0, index, changed)
        return canvas

    def _ship(self, values: NDArray[np.float64]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self.device)


def _build_steps(view: SingleViewPlan) -> tuple[tuple[_Transform, float], ...]:
    """The view's steps, each with the probability that a sample gets it."""
    built: list[tuple[_Transform, float]] = []
    seen: dict[str, int] = {}
    for step in view.steps:
        seen[step.impl] = seen.get(step.impl, 0) + 1
        again = f".{seen[step.impl]}" if seen[step.impl] > 1 else ""
        key = f"{view.group}.{step.impl}{again}"
        built.append((_build_step(step, view, key=key), step.p))
    return tuple(built)


def _build_step(step: AugmentStep, view: SingleViewPlan, *, key: str) -> _Transform:
    # Ranges are those of the view that the encoder sees; the margin around it is more of the same.
    return _build(
        step.impl,
        step.params,
        key=key,
        view=view.index,
        size=view.size,
        target=view.canvas,
        border="reflect",
    )


def _build_path(path: PathPlan, plan: ViewPlan) -> _Transform:
    (view,) = (v for v in plan.views if (v.group, v.index) == (path.group, path.view))
    return _build(
        path.impl,
        path.params,
        key="path",
        view=path.view,
        size=view.size,
        target=view.size,
        border=path.border,
    )


def _build(  # noqa: PLR0913 - one place for what steps and paths have in common
    impl: str,
    params: Mapping[str, Any],
    *,
    key: str,
    view: int,
    size: int,
    target: int,
    border: Border,
) -> _Transform:
    op = find_op("transforms", impl)
    checked = op.Params.model_validate(params)
    ranges = np.array(op.ranges(checked, size=size), dtype=np.float64).reshape(-1, 2)
    return _Transform(
        key=key,
        view=view,
        low=ranges[:, 0],
        span=ranges[:, 1] - ranges[:, 0],
        at=op.build(checked, size=target, border=border),
        encode=lambda theta: op.encode(checked, theta, size=size),
    )


def _centre(canvas: Tensor, *, size: int) -> Tensor:
    """The middle of a canvas, `[b, 3, size, size]`."""
    margin = (canvas.shape[-1] - size) // 2
    return canvas[..., margin : margin + size, margin : margin + size]
