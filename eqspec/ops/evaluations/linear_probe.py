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

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from eqspec.nn.random.philox import Draws
from eqspec.nn.readouts.accuracy import accuracy_difference, accuracy_measurements, image_resamples
from eqspec.nn.readouts.measurement import Measurement, ResultSet, Summary
from eqspec.ops.op import OpParams
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from torch import Tensor

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


class Params(OpParams):
    """The protocol's numbers; the paper's stand on the card.

    Attributes:
        lrs: learning rates of the sweep.
        slice: share of the training files that the rate is chosen on.
        batch: images per step.
        rows: which features; those that the model lacks are left out.
        train_images: at most so many, a fixed choice; null takes all.
        heldout_images: likewise of those that are classified.
        resamples: of the bootstrap.
    """

    lrs: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1)
    slice: float = Field(gt=0, lt=1)
    epochs: int = Field(ge=1)
    batch: int = Field(ge=1)
    weight_decay: float = Field(0.0, ge=0)
    rows: tuple[Literal["encoder", "z_inv", "z_equi"], ...] = Field(("encoder",), min_length=1)
    train_images: int | None = Field(None, ge=2)
    heldout_images: int | None = Field(None, ge=2)
    resamples: int = Field(1000, ge=1000)


example = MappingProxyType({"lrs": [0.01], "slice": 0.2, "epochs": 5, "batch": 16})


@dataclass(frozen=True, slots=True)
class LinearProbe:
    """The evaluation, ready to run on a model."""

    params: Params

    def run(self, bench: FeatureBench) -> ResultSet:
        """Measures one model: the accuracy of every row."""
        p = self.params
        train = bench.features("train", limit=p.train_images)
        held = bench.features("held-out", limit=p.heldout_images)
        assert train.labels is not None, "no other data comes here"
        assert held.labels is not None, "no other data comes here"
        times = image_resamples(held.sources, resamples=p.resamples)
        majority = float((held.labels == _commonest(train.labels)).mean())
        measurements = [Measurement("majority", majority, n=len(held.labels))]
        arrays = {"images": held.images, "sources": held.sources, "labels": held.labels}
        sweeps: dict[str, dict[str, float]] = {}
        rates: dict[str, float] = {}
        for row in (row for row in p.rows if row in held.rows):
            chosen_on = self._sweep(train, row=row)
            # Of rates that do equally well, the smallest.
            rate = max(sorted(p.lrs), key=lambda lr: chosen_on[lr])
            right = self._classified(train, held, row=row, lr=rate) == held.labels
            measurements += accuracy_measurements(right, held.labels, times=times, row=row)
            arrays[f"right/{row}"] = right
            rates[row], sweeps[row] = rate, {f"{lr:g}": top1 for lr, top1 in chosen_on.items()}
        facts = {
            "train_images": len(train.images),
            "heldout_images": len(held.images),
            "heldout_sources": len(np.unique(held.sources)),
            "classes": len(held.classes),
            "resamples": p.resamples,
            "lr": rates,
            "slice_top1": sweeps,
        }
        return ResultSet(tuple(measurements), facts=facts, arrays=arrays)

    def _sweep(self, train: ImageFeatures, *, row: str) -> dict[float, float]:
        """Top-1 on the slice of training images, by learning rate."""
        on_slice = in_slice(train.sources, share=self.params.slice)
        learned, chosen = (
            train.taken(np.flatnonzero(~on_slice)),
            train.taken(np.flatnonzero(on_slice)),
        )
        said_LM = self._fit(learned, chosen, row=row, lrs=self.params.lrs)
        top1 = (said_LM.cpu().numpy() == chosen.labels).mean(axis=1)
        return dict(zip(self.params.lrs, top1.tolist(), strict=True))

    def _classified(
        self, train: ImageFeatures, held: ImageFeatures, *, row: str, lr: float
    ) -> np.ndarray:
        """The class said for every held-out image, `[M]`."""
        return self._fit(train, held, row=row, lrs=(lr,))[0].cpu().numpy()

    def _fit(
        self, train: ImageFeatures, held: ImageFeatures, *, row: str, lrs: tuple[float, ...]
    ) -> Tensor:
        """What classifiers that learn from `train` say of `held`, `[L, M]`."""
        import torch

        from eqspec.nn.readouts.linear_classifiers import Schooling, fit
        from eqspec.nn.readouts.regression import standardise

        p = self.params
        x_ND, held_MD = standardise(train.rows[row], held.rows[row])
        labels = torch.from_numpy(train.labels).to(x_ND.device)
        schooling = Schooling(lrs=lrs, epochs=p.epochs, batch=p.batch, weight_decay=p.weight_decay)
        with torch.enable_grad(), torch.autocast(x_ND.device.type, enabled=False):
            made = fit(x_ND, labels, classes=len(train.classes), schooling=schooling)
        return made.classify(held_MD)


def in_slice(sources: np.ndarray, *, share: float) -> np.ndarray:
    """Which images the learning rate is chosen on, `[n]`: all of a share of the sources.

    At least one source is in the slice, and at least one is not.
    """
    known = np.unique(sources)
    assert len(known) > 1, "one source cannot be cut in two"
    count = min(max(1, round(share * len(known))), len(known) - 1)
    return np.isin(sources, known[Draws(0).order(epoch=0, count=len(known))[:count]])


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
