"""Accuracy of a linear classifier on frozen features.

Linear probing as described in arXiv:2503.18753 (AdamW, batch 1024; learning rate and epochs are not
given). Details that the paper leaves open:

- One classifier per learning rate, all trained at once on the same batches. The rate is chosen on a
  slice of the *training* images on which none of them was trained (whole files, so that the parts
  share no source). A classifier with that rate is then trained on all training images and evaluated
  on the held-out ones. Nothing is selected on the reported images.
- Features are those of centre crops without augmentation, encoded once (`eqspec.evals.images`) and
  standardised by the training images, like a batch normalisation without affine parameters.
- Rows: `encoder` (class token and mean patch), `z_inv`, `z_equi` (pooled parts of the embedding).
- `top1` over images and `mean_per_class` (the literature's number for aircraft, pets and flowers),
  each with a 95 % interval over held-out images; `majority` is the top-1 of always predicting the
  most frequent class. The facts contain the chosen rate and the top-1 on the slice at every rate;
  if the chosen rate is at the edge of the sweep, use a wider one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from eqspec.nn.random.source_slice import in_slice
from eqspec.nn.readouts.accuracy import accuracy_difference
from eqspec.nn.readouts.classification import Predictions, classification_result
from eqspec.nn.readouts.measurement import Measurement, ResultSet, Summary
from eqspec.ops.classification import ClassificationParams
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from eqspec.nn.readouts.image_features import FeatureBench, ImageFeatures
    from eqspec.ops.evaluation_reads import FeaturesRead

rev = 1
needs_labels = True
summary = Summary(
    title="accuracy of a linear classifier on encoder features",
    metrics={"top1": "top-1", "mean_per_class": "mean per class"},
)
tolerance = 0.02
"""Difference allowed for rounding on other hardware, which training amplifies."""


class Params(ClassificationParams):
    """Parameters of the protocol; the paper's values are on the card.

    Attributes:
        lrs: learning rates of the sweep.
        slice: share of the training files on which the rate is chosen.
        batch: images per step.
    """

    lrs: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1)
    slice: float = Field(gt=0, lt=1)
    epochs: int = Field(ge=1)
    batch: int = Field(ge=1)
    weight_decay: float = Field(0.0, ge=0)


example = MappingProxyType({"lrs": [0.01], "slice": 0.2, "epochs": 5, "batch": 16})


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """The evaluation, ready to run on a model."""

    params: Params

    def run(self, bench: FeatureBench) -> ResultSet:
        """Measure one model: the accuracy of every row."""
        p = self.params
        train = bench.features("train", limit=p.train_images)
        held_out = bench.features("held-out", limit=p.heldout_images)
        majority = float((held_out.targets == _commonest(train.targets)).mean())
        predicted: Predictions = {}
        sweeps: dict[str, dict[str, float]] = {}
        rates: dict[str, float] = {}
        for row in (row for row in p.rows if row in held_out.rows):
            top1 = self._sweep(train, row=row)
            # The smallest of equally good rates.
            rates[row] = max(sorted(p.lrs), key=lambda lr: top1[lr])
            sweeps[row] = {f"{lr:g}": value for lr, value in top1.items()}
            (predicted[row, ()],) = self._fit(train, held_out, row=row, lrs=(rates[row],))
        facts = {"lr": rates, "slice_top1": sweeps}
        result = classification_result(
            train, held_out, predicted, resamples=p.resamples, facts=facts
        )
        commonest = Measurement("majority", majority, n=len(held_out.targets))
        return replace(result, measurements=(commonest, *result.measurements))

    def _sweep(self, train: ImageFeatures, *, row: str) -> dict[float, float]:
        """Return the top-1 on the slice of training images, by learning rate."""
        on_slice = in_slice(train.sources, share=self.params.slice)
        learned, chosen = (train.taken(np.flatnonzero(at)) for at in (~on_slice, on_slice))
        predicted_LM = self._fit(learned, chosen, row=row, lrs=self.params.lrs)
        top1 = (predicted_LM == chosen.targets).mean(axis=1)
        return dict(zip(self.params.lrs, top1.tolist(), strict=True))

    def _fit(
        self, train: ImageFeatures, held_out: ImageFeatures, *, row: str, lrs: tuple[float, ...]
    ) -> np.ndarray:
        """Return the classes of `held_out` predicted by classifiers fitted to `train`, `[L, M]`."""
        import torch

        from eqspec.nn.readouts.feature_matrix import standardise
        from eqspec.nn.readouts.fitting import Fitting
        from eqspec.nn.readouts.linear_classifiers import fit_classifiers

        p = self.params
        x, x_held_out = standardise(train.rows[row], held_out.rows[row])
        classifiers = fit_classifiers(
            x,
            torch.from_numpy(train.targets),
            classes=len(train.classes),
            lrs=lrs,
            fitting=Fitting(epochs=p.epochs, batch=p.batch, weight_decay=p.weight_decay),
        )
        return classifiers.classify(x_held_out).cpu().numpy()


def _commonest(labels: np.ndarray) -> int:
    return int(np.bincount(labels).argmax())


def caveats(params: Params, *, images: int) -> tuple[str, ...]:
    """Return, in a sentence, the effect of a batch larger than the number of training images."""
    there = min(images, params.train_images or images)
    if params.batch <= there:
        return ()
    more = f"a batch of {params.batch:,} is more than the {counted(there, 'training image')}"
    return (f"{more}: each epoch is a single step",)


def reads(params: Params) -> tuple[FeaturesRead, ...]:
    """Return the pooled features of both splits."""
    return params.reads


def build(params: Params) -> LinearProbe:
    """Return the evaluation with its parameters."""
    return LinearProbe(params)


def difference(a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Return the accuracy of `a` minus that of `b`, with paired intervals, for common rows.

    Raises:
        UsageError: the two were not measured on the same held-out images.
    """
    return accuracy_difference(a, b)
