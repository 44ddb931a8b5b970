"""The predictor of a frozen model on views of images that the model was not trained on.

The views of an image come from the plan of the training's own views. Everything but the second
global view is that of draw 0; the second one, with its action and its drawn parameters, is that of
the draws 1 … K in turn. So all K views are predicted from the same first view. Where the action is
that of a path, both views are one centre crop without augmentation, and the path alone moves the
second one. Stored views are the object's first one, and each of the others in turn.

B images, K predicted views of each, D features.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from eqspec.build.data.batch import Crops
from eqspec.build.frozen_model import heads
from eqspec.build.views.on_device import DeviceViews
from eqspec.compile.graph.draft import reads
from eqspec.compile.graph.predictor import evaluated_nodes
from eqspec.compile.lookup.rewrite_inputs import ACTIONS, PIXELS
from eqspec.compile.types.view_plan import CropPlan
from eqspec.compile.views.view_plan import PATH_GROUP, PATH_VIEW
from eqspec.errors import EqspecError
from eqspec.evals.images import KEPT
from eqspec.evals.pairs import PROTOCOL_SEED
from eqspec.nn.random.philox import Draws
from eqspec.nn.readouts.predictions import Predictions
from eqspec.ops.tolerant import Tolerant

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.build.data.loader import Dataset
    from eqspec.build.graph.training_graph import TrainGraph
    from eqspec.build.views.on_device import ViewBatch
    from eqspec.compile.types.graph import PredictorPlan
    from eqspec.compile.types.plan import Plan
    from eqspec.compile.types.view_plan import SingleViewPlan, ViewPlan

AT_ONCE = 64
"""Largest number of images whose views are in memory at a time."""


class Predicting(Protocol):
    """Function that predicts representations of views of images."""

    def __call__(self, dataset: Dataset, images: np.ndarray, *, others: int) -> Predictions:
        """Return representations and predictions of views.

        Args:
            dataset: source of the images.
            images: positions in the dataset `[n]`; the last ones are left out if samples share
                draws in groups that do not divide n.
            others: number K of views of each image that are predicted.
        """
        ...


def predictor(graph: TrainGraph, plan: Plan) -> Predictor | None:
    """Return the predictor of a plan's graph, in eval mode; None if its rewrite has none."""
    found = plan.graph.predictor
    if found is None:
        return None
    wanted = (found.source, found.output, found.target)
    needed = {name for node in evaluated_nodes(plan.graph, wanted) for name in reads(node)}
    device = next(graph.parameters()).device
    views = shown_views(plan.views, needed=frozenset(needed), at_rest=found.views == "path")
    return Predictor(found, plan, views=views, compute=heads(graph, wanted), device=device)


def shown_views(views: ViewPlan, *, needed: frozenset[str], at_rest: bool) -> ViewPlan:
    """Return the views of a training that a predictor reads.

    Args:
        views: of the training.
        needed: streams that the predictor reads.
        at_rest: the global views are one centre crop, without augmentation.
    """
    kept = tuple(v for v in views.views if v.group == PATH_GROUP or v.group in needed)
    if at_rest:
        centre = 1.0 if views.pair is not None else KEPT
        kept = tuple(_at_rest(v, centre=centre) if v.group == PATH_GROUP else v for v in kept)
    pixels = views.pixels and PIXELS in needed
    draws = tuple(name for name in views.draws if name in needed)
    return views.model_copy(update={"views": kept, "pixels": pixels, "draws": draws})


def _at_rest(view: SingleViewPlan, *, centre: float) -> SingleViewPlan:
    crop = CropPlan(scale=(1.0, 1.0), centre=centre, interpolation="bicubic")
    return view.model_copy(update={"crop": crop, "steps": (), "place_of": None, "shared": None})


@dataclass(frozen=True, slots=True)
class Predictor:
    """A frozen predictor: `Predicting` for a model in memory.

    Attributes:
        streams: of the predictor.
        plan: of the training.
        views: that it reads, see `shown_views`.
        compute: streams of views, actions and drawn parameters → those of the predictor.
    """

    streams: PredictorPlan
    plan: Plan
    views: ViewPlan
    compute: Callable[[dict[str, Tensor]], dict[str, Tensor]]
    device: torch.device

    def __call__(self, dataset: Dataset, images: np.ndarray, *, others: int) -> Predictions:
        """Return representations and predictions of views of images, see `Predicting`.

        Raises:
            EqspecError: there are too few images or stored views, or a number is not finite.
        """
        together = math.lcm(*(v.shared.samples for v in self.views.views if v.shared is not None))
        images = images[: len(images) // together * together]
        if not len(images):
            message = f"a predictor of samples that share draws needs {together} images"
            raise EqspecError(message, help="evaluate on more images")
        others = self._others(dataset, others)
        each = max(1, AT_ONCE // together) * together
        parts = [
            self._predicted(dataset, images, at=slice(first, first + each), others=others)
            for first in range(0, len(images), each)
        ]
        views, predicted = (torch.cat(part) for part in zip(*parts, strict=True))
        if not bool(views.isfinite().all() and predicted.isfinite().all()):
            message = "the representations of the predictor are not finite"
            raise EqspecError(message, help="evaluate an earlier checkpoint")
        return Predictions(
            views=views,
            predicted=predicted,
            images=images,
            sources=dataset.sources[images],
            task=self._task(),
        )

    def _others(self, dataset: Dataset, wanted: int) -> int:
        """Return the number of predicted views, of stored ones at most those that there are."""
        if self.views.pair is None:
            return wanted
        stored = dataset.views if isinstance(dataset, Tolerant) else 1
        if stored < 2:
            message = "the predictor reads stored views, and these images have one each"
            raise EqspecError(message, help="evaluate on the data that were trained on")
        return min(wanted, stored - 1)

    def _predicted(
        self, dataset: Dataset, images: np.ndarray, *, at: slice, others: int
    ) -> tuple[Tensor, Tensor]:
        """Return representations `[b, K + 1, D]` and predictions `[b, K, D]`, on the CPU."""
        shown = _Shown(self.views, dataset, images, at=at, device=self.device)
        first = shown.draw(0)
        views: list[Tensor] = []
        predicted: list[Tensor] = []
        for k in range(1, others + 1):
            found = self.compute(_streams(first, shown.draw(k)))
            if not views:
                views.append(_of_view(found[self.streams.source], 0).cpu())
            views.append(_of_view(found[self.streams.target], PATH_VIEW).cpu())
            predicted.append(found[self.streams.output].cpu())
        return torch.stack(views, dim=1), torch.stack(predicted, dim=1)

    def _task(self) -> str:
        """Return what changes the second view, and the streams that are compared, in words."""
        streams = self.streams
        compared = f"{streams.source} to {streams.target} by {streams.output}"
        return f"{self._changes()}; {compared}"

    def _changes(self) -> str:
        """Return what changes the second view, in words."""
        path, pair = self.views.path, self.views.pair
        if self.streams.views == "augmentation":
            digest = hashlib.sha256(self.views.model_dump_json().encode()).hexdigest()[:8]
            return f"the augmentation of the views ({digest})"
        if pair is not None:
            return "stored views"
        assert path is not None, "a path moves the second view"
        return f"{path.impl} {path.params}, {path.border}"


class _Shown:
    """The views of some images by draw."""

    def __init__(
        self,
        views: ViewPlan,
        dataset: Dataset,
        images: np.ndarray,
        *,
        at: slice,
        device: torch.device,
    ) -> None:
        self._samples = images[at]
        self._positions = np.arange(len(images))[at]
        main = tuple(v for v in views.views if v.group == PATH_GROUP)
        self._all = self._made(views, dataset, device)
        self._main = self._made(views.model_copy(update={"views": main}), dataset, device)

    def _made(
        self, views: ViewPlan, dataset: Dataset, device: torch.device
    ) -> tuple[Crops, DeviceViews]:
        crops = Crops(dataset, views, draws=Draws(PROTOCOL_SEED))
        return crops, DeviceViews(views, seed=PROTOCOL_SEED, device=device)

    def draw(self, number: int) -> ViewBatch:
        """Return the views of a draw: all of them of draw 0, the global ones of the others."""
        crops, views = self._main if number else self._all
        stored = np.tile([0, max(1, number)], (len(self._samples), 1))
        batch, _ = crops.batch(
            self._samples, positions=self._positions, step=number, epoch=number, stored=stored
        )
        return views(batch)


def _streams(first: ViewBatch, other: ViewBatch) -> dict[str, Tensor]:
    """Return the streams of draw 0 with the second global view of another draw."""

    def joined(a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a[:PATH_VIEW], b[PATH_VIEW : PATH_VIEW + 1], a[PATH_VIEW + 1 :]])

    images = {
        **first.images,
        PATH_GROUP: joined(first.images[PATH_GROUP], other.images[PATH_GROUP]),
    }
    streams = {**images, **{n: joined(d, other.draws[n]) for n, d in first.draws.items()}}
    if other.actions is not None:
        streams[ACTIONS] = other.actions
    if first.pixels is not None and other.pixels is not None:
        streams[PIXELS] = joined(first.pixels, other.pixels)
    return streams


def _of_view(stream: Tensor, index: int) -> Tensor:
    """Return a view `[b, D]` of a stream `[V, b, D]`, or the stream if it is one view."""
    return stream[index] if stream.dim() == 3 else stream
