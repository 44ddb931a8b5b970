"""A batch of samples: their images read, and the crops of their views cut and resized."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from eqspec.build.data.crop import UNIFORMS, crop_box, resize, shown_box
from eqspec.build.data.draw_keys import draw_keys
from eqspec.build.data.stored_views import drawn_views
from eqspec.compile.views.drawn_streams import CROP
from eqspec.ops.stored_views import StoredPair
from eqspec.ops.tolerant import Dataset, Tolerant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from eqspec.compile.types.view_plan import SingleViewPlan, ViewPlan
    from eqspec.nn.random.philox import Draws
    from eqspec.ops.watched import Reading


@dataclass(frozen=True, slots=True)
class Batch:
    """Images of one training step on one rank.

    Attributes:
        step: training step, from 0.
        epoch: pass over the data that the step belongs to, from 0.
        samples: [b], index in the dataset.
        positions: [b], position in the global batch.
        canvases: (group, index) of a view -> its pixels, uint8 `[b, 3, canvas, canvas]`.
        latents: `[b, 2, L]` of the two stored views; None if a sample is one image.
        unreadable: images that cannot be read and first occur in this batch, with the reason.
        reading: which stored images were read for it; None for data that are not stored as bytes.
        boxes: (group, index) of a view -> the part of the image that it shows, float64 `[b, 4]`:
            left, top, width and height in shares of the image's sides.
        labels: [b], the class of each sample, if the graph reads it.
        targets: stream -> `[b, ...]`, other targets of the first global view that the graph reads.
    """

    step: int
    epoch: int
    samples: NDArray[np.int64]
    positions: NDArray[np.int64]
    canvases: Mapping[tuple[str, int], Tensor]
    latents: NDArray[np.float64] | None = None
    unreadable: Mapping[int, str] = field(default_factory=dict[int, str])
    reading: Reading | None = None
    boxes: Mapping[tuple[str, int], NDArray[np.float64]] = field(
        default_factory=dict[tuple[str, int], "NDArray[np.float64]"]
    )
    labels: NDArray[np.int64] | None = None
    targets: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, "NDArray[Any]"])


class Crops:
    """Reads samples of a dataset and cuts the crops of their views."""

    def __init__(self, dataset: Dataset, views: ViewPlan, *, draws: Draws) -> None:
        self._dataset = dataset
        self._pairs = views.pair is not None
        self._draws = draws
        self._shown = [v for v in views.views if v.copy_of is None]

    def shapes(self, samples: int) -> list[tuple[int, ...]]:
        """Return the shapes of the canvases of a batch, one for each view that is read."""
        return [(samples, 3, v.canvas, v.canvas) for v in self._shown]

    def named(self, each: list[NDArray[np.uint8]]) -> dict[tuple[str, int], NDArray[np.uint8]]:
        """Return arrays, one for each view that is read, by (group, index)."""
        return {(v.group, v.index): one for v, one in zip(self._shown, each, strict=True)}

    def batch(
        self,
        samples: NDArray[np.int64],
        *,
        positions: NDArray[np.int64],
        step: int,
        epoch: int,
        stored: NDArray[np.int64] | None = None,
        into: list[NDArray[np.uint8]] | None = None,
    ) -> tuple[Batch, NDArray[np.int64]]:
        """Return samples as a batch, and the sizes of their images (height, width), `[b, 2]`.

        Args:
            samples: indices in the dataset `[b]`.
            positions: in the global batch `[b]`.
            step: training step, which keys draws that samples share.
            epoch: pass over the data, which keys all others.
            stored: two of each sample's stored views `[b, 2]`; drawn by default.
            into: memory for the canvases, of the `shapes`; new by default.
        """
        views = self._shown
        keyed = {"positions": positions, "step": step, "epoch": epoch}
        uniforms = [self._uniforms(v, samples, **keyed) for v in views]
        canvases = into or [np.empty(shape, np.uint8) for shape in self.shapes(len(samples))]
        boxes = [np.empty((len(samples), 4), np.float64) for _ in views]
        known = frozenset(_unreadable(self._dataset))
        latents: list[NDArray[np.float64]] = []
        sizes = np.empty((len(samples), 2), np.int64)
        for row, source in enumerate(self._sources(samples, epoch=epoch, stored=stored)):
            if isinstance(source, StoredPair):
                latents.append(source.latents)
            images = source.images if isinstance(source, StoredPair) else (source,)
            sizes[row] = images[0].shape[:2]
            for v, u, canvas, shown in zip(views, uniforms, canvases, boxes, strict=True):
                canvas[row], shown[row] = _cut(images[v.index % len(images)], v, u[row])
        built = Batch(
            step=step,
            epoch=epoch,
            samples=samples,
            positions=positions,
            canvases={n: torch.from_numpy(c) for n, c in self.named(canvases).items()},
            latents=np.stack(latents) if latents else None,
            unreadable={i: why for i, why in _unreadable(self._dataset).items() if i not in known},
            boxes={(v.group, v.index): one for v, one in zip(views, boxes, strict=True)},
        )
        return built, sizes

    def _uniforms(
        self,
        view: SingleViewPlan,
        samples: NDArray[np.int64],
        *,
        positions: NDArray[np.int64],
        step: int,
        epoch: int,
    ) -> list[list[float]]:
        """Return the random numbers of each sample's crop."""
        keys = draw_keys(
            view.shared, CROP, epoch=epoch, samples=samples, step=step, positions=positions
        )
        return self._draws.uniform(
            f"{view.group}.{CROP}",
            step=keys.step,
            samples=keys.samples,
            view=view.place_drawn_as,
            count=UNIFORMS,
        ).tolist()

    def _sources(
        self, samples: NDArray[np.int64], *, epoch: int, stored: NDArray[np.int64] | None
    ) -> Iterator[NDArray[np.uint8] | StoredPair]:
        """Yield the source of each sample's views: its image, or two of its stored views."""
        dataset = self._dataset
        if not self._pairs:
            yield from (dataset.image(sample) for sample in samples.tolist())
            return
        assert isinstance(dataset, Tolerant), "stored views are read through one"
        pairs = stored
        if pairs is None:
            pairs = drawn_views(self._draws, epoch=epoch, samples=samples, views=dataset.views)
        for sample, (first, second) in zip(samples.tolist(), pairs.tolist(), strict=True):
            yield dataset.pair(sample, (first, second))


def _cut(
    image: NDArray[np.uint8], view: SingleViewPlan, uniforms: Sequence[float]
) -> tuple[NDArray[np.uint8], tuple[float, ...]]:
    """Return the canvas of a view, `[3, canvas, canvas]`, and the part of the image it shows."""
    size = {"height": image.shape[0], "width": image.shape[1]}
    margin = view.canvas / view.size
    box = crop_box(view.crop, uniforms, **size, margin=margin)
    pixels = resize(image, box, canvas=view.canvas, interpolation=view.crop.interpolation)
    return pixels.transpose(2, 0, 1), shown_box(box, **size, margin=margin)


def _unreadable(dataset: Dataset) -> Mapping[int, str]:
    """Return the images that this process could not read so far."""
    return dataset.unreadable if isinstance(dataset, Tolerant) else {}
