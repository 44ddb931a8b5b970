"""Features of a dataset's images, and who hands them to the evaluations that read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from torch import Tensor


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

    rows: Mapping[str, Tensor]
    labels: np.ndarray | None
    classes: tuple[str, ...]
    images: np.ndarray
    sources: np.ndarray

    def taken(self, at: np.ndarray) -> ImageFeatures:
        """The images at some positions `[m]` of this split."""
        rows = {name: x_ND[at] for name, x_ND in self.rows.items()}
        labels = None if self.labels is None else self.labels[at]
        return ImageFeatures(rows, labels, self.classes, self.images[at], self.sources[at])


class FeatureBench(Protocol):
    """A model and its data, as an evaluation of single images sees them."""

    def features(self, split: Literal["train", "held-out"], *, limit: int | None) -> ImageFeatures:
        """Features of at most `limit` images of a split, in every row that the model has."""
        ...
