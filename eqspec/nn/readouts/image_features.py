"""Features of a dataset's images, as evaluations of single images read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.nn.readouts.feature_matrix import FeatureMatrix

Split = Literal["train", "held-out"]


@dataclass(frozen=True, slots=True)
class ImageFeatures:
    """Features of n images of one split.

    Attributes:
        rows: by the part of the model that they come from (``encoder``, ``z_inv`` …), `[n, D]`.
        labels: a class per image `[n]`, or None.
        classes: names of the classes.
        images: positions in the dataset `[n]`.
        sources: which photograph or file each image comes from `[n]`.
    """

    rows: Mapping[str, FeatureMatrix]
    labels: np.ndarray | None
    classes: tuple[str, ...]
    images: np.ndarray
    sources: np.ndarray

    @property
    def targets(self) -> np.ndarray:
        """The labels of data that were checked to have some, `[n]`."""
        assert self.labels is not None, "`check_data` refuses data without labels"
        return self.labels

    def taken(self, at: np.ndarray) -> ImageFeatures:
        """The images at some positions `[m]` of this split; no feature is copied."""
        return replace(
            self,
            rows={name: x.subset(at) for name, x in self.rows.items()},
            labels=None if self.labels is None else self.labels[at],
            images=self.images[at],
            sources=self.sources[at],
        )


@dataclass(frozen=True, slots=True)
class Predicted:
    """Classes that S fine-tuned classifiers predict for n images.

    Attributes:
        images: which images, without features.
        classes: the predicted classes, `[n, S]`.
    """

    images: ImageFeatures
    classes: np.ndarray


class FineTunedBench(Protocol):
    """A fine-tuned model and its data, as an evaluation that trains sees them."""

    def predicted(self, split: Literal["slice", "held-out"], *, stream: str) -> Predicted:
        """Classes by the logits `[B, S, C]` of a stream, on centre crops.

        Args:
            split: `slice` is the training images that the fine-tuning has left out.
            stream: of the fine-tuned graph.
        """
        ...

    def outputs(
        self, split: Literal["slice", "held-out"], *, stream: str, target: str
    ) -> Iterator[tuple[Tensor, Mapping[str, np.ndarray]]]:
        """A stream `[b, ...]` for centre crops and the crops' targets, batch by batch.

        Args:
            split: as above.
            stream: of the fine-tuned graph.
            target: kind of the targets.
        """
        ...

    def described(self, split: Literal["slice", "held-out"]) -> ImageFeatures:
        """The images of a split, without features."""
        ...

    def learned_from(self) -> ImageFeatures:
        """The images that were trained on, without features."""
        ...


class FeatureBench(Protocol):
    """A model and its data, as an evaluation of single images sees them."""

    def features(self, split: Split, *, limit: int | None) -> ImageFeatures:
        """Features of at most `limit` images of a split, in every row that the model has."""
        ...
