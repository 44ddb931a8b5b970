"""Views on the device: augmentation steps, the transform path in one resampling, normalisation.

Every parameter is drawn on the CPU in float64, keyed by sample and epoch, and rounded once; so a
sample gets the same views at any position of a batch, on any rank.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from eqspec.build.data.stored_views import action_of
from eqspec.build.views.drawn_parameters import drawn_streams
from eqspec.build.views.steps import build_path, build_steps
from eqspec.build.views.tiles import tiles
from eqspec.compile.lookup.rewrite_inputs import DRAWS
from eqspec.compile.views.view_plan import PATH_GROUP as MAIN_GROUP
from eqspec.nn.random.philox import Draws

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.build.data.loader import Batch
    from eqspec.build.views.steps import Applied
    from eqspec.compile.types.view_plan import SingleViewPlan, ViewPlan


@dataclass(frozen=True, slots=True)
class ViewBatch:
    """The views of a batch, ready for the graph.

    Attributes:
        images: group -> float32 `[V, b, 3, size, size]`, normalised.
        between: float32 `[K, b, 3, size, size]`, the path's images in [0, 1], not normalised.
        theta: float32 `[b, P]`, the path's parameters in the transform's units.
        parameters: float32 `[b, P]`, the same, each from its range onto [−1, 1].
        actions: float32 `[b, A]`, their encoding; or that of a pair's stored latents.
        pixels: float32 `[V, b, 3, size, size]`, the global views in [0, 1], if they are read.
        draws: stream -> float32 `[V, b, P]`, drawn parameters of the global views.
    """

    images: Mapping[str, Tensor]
    between: Tensor | None = None
    theta: Tensor | None = None
    parameters: Tensor | None = None
    actions: Tensor | None = None
    pixels: Tensor | None = None
    draws: Mapping[str, Tensor] = field(default_factory=dict[str, "Tensor"])


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Draws of a batch.

    Attributes:
        applied: (group, index) of a view -> its steps.
        theta: float64 `[b, P]`, the path's parameters; None without a path.
    """

    applied: Mapping[tuple[str, int], Sequence[Applied]]
    theta: NDArray[np.float64] | None


class DeviceViews:
    """Callable that computes the views of a `Batch` from the loader's canvases."""

    def __init__(self, plan: ViewPlan, *, seed: int, device: torch.device | str) -> None:
        """Find and build every transform of the plan.

        Args:
            plan: the views, the path and the normalisation.
            seed: keys the draws.
            device: of the pixels.

        Raises:
            UnknownOp: a transform does not exist.
        """
        self.plan = plan
        self.draws = Draws(seed)
        self.device = torch.device(device)
        self._sample = 12 * max(v.canvas for v in plan.views) ** 2
        self._steps = {(v.group, v.index): build_steps(v) for v in plan.views}
        self._copied = {(v.group, v.copy_of) for v in plan.views if v.copy_of is not None}
        self._path = None if plan.path is None else build_path(plan.path, plan)
        relation = None if plan.pair is None else plan.pair.relation
        self._action = None if relation is None else action_of(relation)
        self._mean = torch.tensor(plan.mean, device=self.device)[:, None, None]
        self._std = torch.tensor(plan.std, device=self.device)[:, None, None]

    @torch.no_grad()
    def __call__(self, batch: Batch) -> ViewBatch:
        """Return the views of a batch."""
        applied = {
            name: tuple(step.draw(self.draws, batch) for step in steps)
            for name, steps in self._steps.items()
        }
        theta = None if self._path is None else self._path.draw(self.draws, batch)
        views = self._empty(len(batch.samples))
        for rows in tiles(len(batch.samples), sample=self._sample, device=self.device):
            self._fill(views, batch, _Drawn(applied, theta), rows=rows)
        views = replace(views, draws=self._drawn(batch, applied))
        if self._action is not None:
            assert batch.latents is not None, "the loader read them for the same plan"
            return replace(views, actions=self._ship(self._action(batch.latents)))
        if theta is None or self._path is None:
            return views
        return replace(
            views,
            theta=self._ship(theta),
            parameters=self._ship(self._path.scaled(theta)),
            actions=self._ship(self._path.encode(theta)),
        )

    def _empty(self, samples: int) -> ViewBatch:
        """Return views whose pixels have yet to be computed."""
        sizes = {view.group: view.size for view in self.plan.views}
        counts = Counter(view.group for view in self.plan.views)
        path = self.plan.path

        def pixels(count: int, group: str) -> Tensor:
            shape = (count, samples, 3, sizes[group], sizes[group])
            return torch.empty(shape, device=self.device)

        return ViewBatch(
            images={group: pixels(count, group) for group, count in counts.items()},
            between=None if path is None else pixels(len(path.fractions), path.group),
            pixels=pixels(counts[MAIN_GROUP], MAIN_GROUP) if self.plan.pixels else None,
        )

    def _fill(self, views: ViewBatch, batch: Batch, drawn: _Drawn, *, rows: slice) -> None:
        """Compute the pixels of some samples of a batch."""
        path = self.plan.path
        finished: dict[tuple[str, int], Tensor] = {}
        filled: Counter[str] = Counter()
        for view in self.plan.views:
            name = view.group, view.index
            applied = [one.within(rows) for one in drawn.applied[name]]
            canvas = self._augmented(self._begun(view, batch, finished, rows=rows), applied)
            if name in self._copied:
                finished[name] = canvas
            if path is not None and name == (path.group, path.view):
                between, pixels = self._along(canvas, drawn, rows=rows)
                assert views.between is not None, "made for the same plan"
                views.between[:, rows] = between
            else:
                pixels = _centre(canvas, size=view.size)
            at = filled[view.group]
            filled[view.group] += 1
            if views.pixels is not None and view.group == MAIN_GROUP:
                views.pixels[at, rows] = pixels
            normalised = views.images[view.group][at, rows]
            torch.sub(pixels, self._mean, out=normalised).div_(self._std)

    def _along(self, canvas: Tensor, drawn: _Drawn, *, rows: slice) -> tuple[Tensor, Tensor]:
        """Return the images between the views `[K, rows, 3, size, size]`, and the second view."""
        assert self._path is not None, "the plan has a path"
        assert self.plan.path is not None, "the plan has a path"
        assert drawn.theta is not None, "the plan has a path"
        fractions = (*self.plan.path.fractions, 1.0)
        points = self._path.at(canvas, self._ship(drawn.theta[rows]), fractions=fractions)
        return points[:-1], points[-1]

    def _begun(
        self,
        view: SingleViewPlan,
        batch: Batch,
        finished: Mapping[tuple[str, int], Tensor],
        *,
        rows: slice,
    ) -> Tensor:
        """Return the input of the view's steps, `[rows, 3, canvas, canvas]` in [0, 1]."""
        if view.copy_of is not None:
            return finished[view.group, view.copy_of]
        canvases = batch.canvases[view.group, view.index]
        return canvases[rows].to(self.device).to(torch.float32) / 255

    def _augmented(self, canvas: Tensor, applied: Sequence[Applied]) -> Tensor:
        """Return the canvas after the steps."""
        for done in applied:
            if len(done.rows) == 0:
                continue
            theta = self._ship(done.theta)
            if len(done.rows) == len(canvas):
                (canvas,) = done.step.transform.at(canvas, theta, fractions=(1.0,))
                continue
            index = torch.from_numpy(done.rows).to(self.device)
            (changed,) = done.step.transform.at(canvas[index], theta, fractions=(1.0,))
            canvas = canvas.index_copy(0, index, changed)
        return canvas

    def _drawn(
        self, batch: Batch, applied: Mapping[tuple[str, int], Sequence[Applied]]
    ) -> dict[str, Tensor]:
        """Return the streams of drawn parameters that the graph reads."""
        if not self.plan.draws:
            return {}
        names = [(v.group, v.index) for v in self.plan.views if v.group == MAIN_GROUP]
        streams = drawn_streams(
            self.plan.draws,
            whole=DRAWS,
            applied=[applied[name] for name in names],
            steps=[self._steps[name] for name in names],
            boxes=[batch.boxes[name] for name in names],
        )
        return {name: self._ship(values) for name, values in streams.items()}

    def _ship(self, values: NDArray[np.floating]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(self.device)


def _centre(canvas: Tensor, *, size: int) -> Tensor:
    """Return the centre of a canvas, `[b, 3, size, size]`."""
    margin = (canvas.shape[-1] - size) // 2
    return canvas[..., margin : margin + size, margin : margin + size]
