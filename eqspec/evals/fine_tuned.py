"""A model trained by an evaluation, and its predictions on whole images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from eqspec.build.graph.interpreter import run
from eqspec.compile.types.plan import GLOBAL
from eqspec.evals.images import crops, crops_with_targets
from eqspec.nn.random.source_slice import in_slice
from eqspec.nn.readouts.image_features import ImageFeatures, Predicted
from eqspec.ops.find import find_dataset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from eqspec.build.data.loader import Dataset
    from eqspec.build.graph.training_graph import TrainGraph
    from eqspec.compile.types.plan import Plan
    from eqspec.nn.readouts.image_features import Split


@dataclass(frozen=True, slots=True)
class FineTunedModel:
    """A fine-tuned graph and the two splits of its data.

    Attributes:
        plan: plan of the fine-tuning.
        graph: the fine-tuned graph with its final weights.
        read: split → the samples read by the current evaluation.
    """

    plan: Plan
    graph: TrainGraph
    train: Dataset
    held_out: Dataset
    read: dict[Split, set[int]] = field(default_factory=dict, init=False, repr=False)

    def predicted(self, split: Literal["slice", "held-out"], *, stream: str) -> Predicted:
        """Return the classes predicted by the logits `[B, S, C]` of a stream, on centre crops.

        Args:
            split: `slice` selects the training images left out of the fine-tuning.
            stream: name of a stream of the fine-tuned graph.
        """
        dataset, images = self._chosen(split)
        batches = crops(dataset, images, size=self.plan.image)
        classes = [self._stream(batch, stream).argmax(dim=-1).cpu().numpy() for batch in batches]
        return Predicted(_described(dataset, images), np.concatenate(classes))

    def outputs(
        self, split: Literal["slice", "held-out"], *, stream: str, target: str
    ) -> Iterator[tuple[Tensor, Mapping[str, np.ndarray]]]:
        """Yield a stream `[b, ...]` for centre crops and the crops' targets, batch by batch.

        Args:
            split: as above.
            stream: name of a stream of the fine-tuned graph.
            target: kind of the targets, which the data's op declares.
        """
        dataset, images = self._chosen(split)
        declared = find_dataset(self.plan.data.impl).targets
        of = next(one for one in declared if one.declared == target)
        for shown, targets in crops_with_targets(dataset, images, size=self.plan.image, of=of):
            yield self._stream(shown, stream).cpu(), targets

    def learned_from(self) -> ImageFeatures:
        """Return the images used for training, without features."""
        return _described(self.train, np.flatnonzero(~self._slice()))

    def described(self, split: Literal["slice", "held-out"]) -> ImageFeatures:
        """Return the images of a split, without features."""
        return _described(*self._chosen(split))

    def _chosen(self, split: Literal["slice", "held-out"]) -> tuple[Dataset, np.ndarray]:
        """Return the dataset and the images of a split, which count as read."""
        held_out = split == "held-out"
        dataset = self.held_out if held_out else self.train
        images = np.arange(len(dataset)) if held_out else np.flatnonzero(self._slice())
        self._note("held-out" if held_out else "train", images)
        return dataset, images

    def _slice(self) -> np.ndarray:
        """Return a mask of the training images left out, `[n]`."""
        share = self.plan.data.held_back
        if not share:
            return np.zeros(len(self.train), np.bool_)
        return in_slice(self.train.sources, share=share)

    @torch.no_grad()
    def _stream(self, images: Tensor, name: str) -> Tensor:
        """Return a stream of the graph for images in [0, 1], `[b, 3, s, s]`."""
        device = next(self.graph.parameters()).device
        mean, std = (
            torch.tensor(values, device=device).view(3, 1, 1)
            for values in (self.plan.views.mean, self.plan.views.std)
        )
        streams = {GLOBAL: ((images.to(device) - mean) / std)[None]}
        self.graph.eval()
        return run(self.graph.loss.instructions, {**streams, **self.graph.encode(streams)})[name]

    def _note(self, split: Split, images: np.ndarray) -> None:
        self.read.setdefault(split, set()).update(images.tolist())


def _described(dataset: Dataset, images: np.ndarray) -> ImageFeatures:
    return ImageFeatures(
        rows={},
        labels=None if dataset.labels is None else dataset.labels[images],
        classes=dataset.classes,
        images=images,
        sources=dataset.sources[images],
    )
