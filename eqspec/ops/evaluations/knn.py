"""Accuracy of k-nearest-neighbour classification by frozen features.

Weighted k-nearest-neighbour classification as in DINO (arXiv:2104.14294, after arXiv:1805.01978):
cosine similarity of features, and each of the k nearest training images votes for its class with
weight exp(similarity / 0.07). Nothing is trained.

- Images are centre crops without augmentation (`eqspec.evals.images`).
- Rows: `encoder` (class token and mean patch), `class_token` (alone, as in the references; methods
  that pool patches do not train it), `z_inv`, `z_equi` (pooled parts of the embedding).
- k is fixed, not the best of several: the first `k` on the card is used for the summary metric, the
  others are reported in addition.
- `top1` over images and `mean_per_class`, each with a 95 % interval over held-out images.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from eqspec.nn.readouts.accuracy import accuracy_difference
from eqspec.nn.readouts.classification import Predictions, classification_result
from eqspec.nn.readouts.measurement import Measurement, ResultSet, Summary
from eqspec.ops.classification import ClassificationParams
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    import numpy as np

    from eqspec.nn.readouts.image_features import FeatureBench, ImageFeatures
    from eqspec.ops.evaluation_reads import FeaturesRead

rev = 1
needs_labels = True
summary = Summary(
    title="accuracy of nearest neighbours in encoder features",
    metrics={"top1": "top-1", "mean_per_class": "mean per class"},
    by=("k",),
)
tolerance = 0.01
"""Difference allowed for rounding on other hardware, which can change single votes."""


class Params(ClassificationParams):
    """Parameters of the protocol; the paper's values are on the card.

    Attributes:
        k: numbers of neighbours, with that of the summary metric first.
        temperature: temperature of the votes.
    """

    k: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    temperature: float = Field(gt=0)


example = MappingProxyType({"k": [5], "temperature": 0.07})


@dataclass(frozen=True, slots=True)
class NearestNeighbours:
    """The evaluation, ready to run on a model."""

    params: Params

    def run(self, bench: FeatureBench) -> ResultSet:
        """Measure one model: the accuracy of every row and k."""
        p = self.params
        train = bench.features("train", limit=p.train_images)
        held_out = bench.features("held-out", limit=p.heldout_images)
        predicted: Predictions = {
            (row, (("k", str(k)),)): classes
            for row in p.rows
            if row in held_out.rows
            for k, classes in zip(p.k, self._predict(train, held_out, row=row), strict=True)
        }
        return classification_result(train, held_out, predicted, resamples=p.resamples)

    def _predict(self, train: ImageFeatures, held_out: ImageFeatures, *, row: str) -> np.ndarray:
        """Return the predicted class of every held-out image, `[len(k), M]`."""
        import torch

        from eqspec.nn.readouts.nearest_neighbours import vote

        classes = vote(
            train.rows[row],
            torch.from_numpy(train.targets),
            held_out.rows[row],
            ks=self.params.k,
            temperature=self.params.temperature,
        )
        return classes.cpu().numpy()


def caveats(params: Params, *, images: int) -> tuple[str, ...]:
    """Return, in a sentence each, the effect of a k larger than the number of training images."""
    voting = min(images, params.train_images or images)
    return tuple(
        f"k = {k} is more than the {counted(voting, 'training image')}: all of them vote, as with "
        f"k = {voting}"
        for k in params.k
        if k > voting
    )


def reads(params: Params) -> tuple[FeaturesRead, ...]:
    """Return the pooled features of both splits."""
    return params.reads


def build(params: Params) -> NearestNeighbours:
    """Return the evaluation with its parameters."""
    return NearestNeighbours(params)


def difference(a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Return the accuracy of `a` minus that of `b`, with paired intervals, for common rows.

    Raises:
        UsageError: the two were not measured on the same held-out images.
    """
    return accuracy_difference(a, b, keys=("k",))
