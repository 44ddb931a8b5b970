"""How well a linear classifier on frozen features tells an image's class.

Linear probing as arXiv:2503.18753 describes it (AdamW, batch 1024; learning rate and epochs are not
given). What is open there is fixed here:

- One classifier per learning rate, all trained at once on the same batches. The rate is chosen on a
  slice of the *training* images that none of them learned from (whole files, so that nothing is on
  both sides); a classifier with that rate is then trained on all training images, and it alone sees
  the held-out ones. Nothing is selected on what is reported.
- Features are those of centre crops without augmentation, encoded once (`eqspec.evals.images`),
  standardised by the training images: a batch normalisation without affine that has seen them all.
- Rows: `encoder` (class token and mean patch), `z_inv`, `z_equi` (pooled parts of the embedding).
- `top1` over images and `mean_per_class` (the literature's number for aircraft, pets and flowers),
  each with a 95 % interval over held-out images; `majority` is the top-1 of always saying the most
  frequent class. The facts name the chosen rate and the slice's top-1 at every rate: a rate at the
  edge of the sweep asks for a wider one.
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

rev = 1
needs_labels = True
summary = Summary(
    title="accuracy of a linear classifier on encoder features",
    metrics={"top1": "top-1", "mean_per_class": "mean per class"},
)
tolerance = 0.02
"""By how much a number may differ where other hardware rounds differently; training makes that
grow."""


class Params(ClassificationParams):
    """The protocol's numbers; the paper's are on the card.

    Attributes:
        lrs: learning rates of the sweep.
        slice: share of the training files that the rate is chosen on.
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
            # Of rates that do equally well, the smallest.
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
        """Top-1 on the slice of training images, by learning rate."""
        on_slice = in_slice(train.sources, share=self.params.slice)
        learned, chosen = (train.taken(np.flatnonzero(at)) for at in (~on_slice, on_slice))
        predicted_LM = self._fit(learned, chosen, row=row, lrs=self.params.lrs)
        top1 = (predicted_LM == chosen.targets).mean(axis=1)
        return dict(zip(self.params.lrs, top1.tolist(), strict=True))

    def _fit(
        self, train: ImageFeatures, held_out: ImageFeatures, *, row: str, lrs: tuple[float, ...]
    ) -> np.ndarray:
        """Classes of `held_out` as classifiers predict that learn from `train`, `[L, M]`."""
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


def short_of(params: Params, *, images: int) -> tuple[str, ...]:
    """What a batch beyond the number of images means."""
    there = min(images, params.train_images or images)
    if params.batch <= there:
        return ()
    more = f"a batch of {params.batch:,} is more than the {counted(there, 'image')} to train on"
    return (f"{more}: each epoch is a single step",)


def build(params: Params) -> LinearProbe:
    """The evaluation with its parameters."""
    return LinearProbe(params)


def difference(a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Accuracy of `a` less that of `b`, with paired intervals, for all that both measured.

    Raises:
        UsageError: the two were not measured on the same held-out images.
    """
    return accuracy_difference(a, b)
