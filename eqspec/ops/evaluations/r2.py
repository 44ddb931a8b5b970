"""R² of a transformation's parameters, regressed from features of both images.

The synthetic benchmark of arXiv:2503.18753 (Table 1): for pairs (I, g(I)) of held-out images, R² of
the parameters of g from frozen features of I and g(I). Details that the paper leaves open:

- I and g(I) are centre crops of one larger canvas. Rotations and shifts are measured with every
  requested border: `reflect` and `zeros` fill the area outside I, `canvas` shows the image there.
  Black corners alone reveal the angle, even to a weak encoder. Photometric families have no border;
  it is reported as `any`.
- Parameters are uniform in their ranges, a fixed function of (image, draw), the same for every
  encoder and run. Images of the held-out split are never trained on.
- Rows: `encoder` (class token and mean patch), `z_inv`, `z_equi` (pooled parts of the embedding);
  `encoder_tokens`, `z_inv_tokens`, `z_equi_tokens` (patch tokens on a grid of at most 4 x 4 cells,
  side by side), which show what pooling loses.
- One regressor per row, family, border and seed; R² is the mean over seeds, with its spread over
  seeds and its 95 % intervals over held-out images and over their sources. All of them keep the
  encoder fixed; the replicate of a claim is another pre-training seed.
- With `supervised`, the control of that name is the same encoder, trained from its initial weights
  on the parameters of fresh pairs of the training images, and then read like the others: what the
  architecture can learn of them with that budget. `eqspec.ops.supervised_pairs` has the training.
- The summary metric `r2` is the uniform mean over parameters. `r2_weighted` and `r2_pooled` are in
  the transformation's own units; see `eqspec.nn.readouts.r2`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from eqspec.nn.readouts.measurement import Measurement, ResultSet, Summary
from eqspec.nn.readouts.transform_regression import regression_difference, regression_result
from eqspec.ops.evaluation_reads import FeaturesRead
from eqspec.ops.feature_rows import ROWS, Row, TokenRow
from eqspec.ops.fine_tuning import FineTune
from eqspec.ops.op import OpCall, OpParams
from eqspec.ops.supervised_pairs import SUPERVISED, Supervised, supervised_training
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    import numpy as np

    from eqspec.nn.readouts.pair_features import PairFeatures
    from eqspec.nn.readouts.transform_regression import Key
    from eqspec.ops.contract.pair_bench import PairBench

rev = 1
needs_labels = False
batch_at = "supervised.batch"
summary = Summary(
    title="R² of a transformation's parameters, read from encoder features",
    metrics={"r2": ""},
    by=("family", "border"),
)
tolerance = 0.02
"""Difference allowed for rounding on other hardware, which training amplifies. Changes of 1e-7 in
the weights of an encoder changed R² over 512 pairs by 0.004."""


class Params(OpParams):
    """Parameters of the protocol; the paper's values are on the card.

    Attributes:
        families: transformations with their ranges, by the name used in results.
        borders: borders with which geometric families are measured.
        rows: names of the features; those that the model lacks are left out.
        draws: number of draws of g per training image.
        heldout_draws: number of draws of g per held-out image.
        train_pairs: largest number of training pairs, from a fixed choice of images.
        heldout_pairs: largest number of held-out pairs, likewise.
        hidden: widths of the regressor's hidden layers.
        seeds: number of regressors per row, family and border.
        resamples: number of resamples of each bootstrap.
        supervised: training of the same encoder on the parameters themselves, whose R² is a row of
            its own; null for none. It is trained on one family with one border.
    """

    families: dict[str, OpCall] = Field(min_length=1)
    borders: tuple[Literal["reflect", "zeros", "canvas"], ...] = Field(min_length=1)
    rows: tuple[Row | TokenRow, ...] = ROWS
    draws: int = Field(ge=1)
    heldout_draws: int = Field(1, ge=1)
    train_pairs: int = Field(ge=1)
    heldout_pairs: int = Field(ge=2)
    hidden: tuple[Annotated[int, Field(ge=1)], ...]
    epochs: int = Field(ge=1)
    batch: int = Field(ge=1)
    lr: float = Field(gt=0)
    weight_decay: float = Field(0.0, ge=0)
    seeds: int = Field(ge=1)
    resamples: int = Field(1000, ge=1000)
    supervised: Supervised | None = None

    @model_validator(mode="after")
    def _one_training_is_of_one_family(self) -> Self:
        if self.supervised is not None and (len(self.families), len(self.borders)) != (1, 1):
            raise ValueError(
                "`supervised` trains on one family with one border: list the evaluation once for "
                "each of them"
            )
        return self

    @model_serializer(mode="wrap")
    def _without_training(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit `supervised: null`, so that ids are the same as before it existed."""
        written: dict[str, Any] = rest(self)
        return {k: v for k, v in written.items() if (k, v) != ("supervised", None)}


example = MappingProxyType(
    {
        "families": {"rot": {"impl": "rot", "params": {"degrees": [-45.0, 45.0]}}},
        "borders": ["reflect"],
        "rows": ["encoder"],
        "draws": 2,
        "train_pairs": 80,
        "heldout_pairs": 20,
        "hidden": [8],
        "epochs": 3,
        "batch": 16,
        "lr": 0.01,
        "seeds": 1,
    }
)


@dataclass(frozen=True, slots=True)
class TransformRegression:
    """The evaluation, ready to run on a model."""

    params: Params

    def run(self, bench: PairBench) -> ResultSet:
        """Measure one model: R² of every row, family and border."""
        train, held = self._pairs(bench, "train"), self._pairs(bench, "held-out")
        found = regression_result(
            held,
            errors=partial(self._squared_errors, train, held),
            draws=self.params.heldout_draws,
            resamples=self.params.resamples,
        )
        fitted = {
            "train_images": len(train.images),
            "train_pairs": len(train.images) * self.params.draws,
            "regressor_seeds": self.params.seeds,
        }
        return replace(found, facts={**fitted, **found.facts})

    def _pairs(self, bench: PairBench, split: Literal["train", "held-out"]) -> PairFeatures:
        p = self.params
        fitting = split == "train"
        return bench.pairs(
            split,
            families=p.families,
            borders=p.borders,
            rows=p.rows,
            draws=p.draws if fitting else p.heldout_draws,
            limit=p.train_pairs if fitting else p.heldout_pairs,
        )

    def _squared_errors(self, train: PairFeatures, held: PairFeatures, key: Key) -> np.ndarray:
        """Return squared errors per seed on the held-out pairs, `[S, M, P]`, in [−1, 1] units."""
        import torch

        from eqspec.nn.readouts.fitting import Fitting
        from eqspec.nn.readouts.regression import Regressors, fit_predict

        p = self.params
        predicted = fit_predict(
            train.inputs(key),
            torch.from_numpy(train.scaled(key[1])),
            held.inputs(key),
            regressors=Regressors(hidden=p.hidden, lr=p.lr, seeds=p.seeds),
            fitting=Fitting(epochs=p.epochs, batch=p.batch, weight_decay=p.weight_decay),
        )
        return (predicted.double().cpu().numpy() - held.scaled(key[1])) ** 2


def caveats(params: Params, *, images: int) -> tuple[str, ...]:
    """Return, in a sentence, the effect of a batch larger than the number of pairs."""
    pairs = min(images, max(1, params.train_pairs // params.draws)) * params.draws
    more = f"a batch of {params.batch:,} is more than the {counted(pairs, 'training pair')}"
    return (f"{more}: each epoch is a single step",) if params.batch > pairs else ()


def reads(params: Params) -> tuple[FeaturesRead, ...]:
    """Return the pairs of each split; photometric families have only one of the borders."""
    content = params.model_dump(mode="json", include={"families", "borders"})
    moved = len(params.families) * len(params.borders)

    def read(draws: int, **images: int) -> FeaturesRead:
        drawn, vectors = {**content, "draws": draws}, 1 + draws * moved
        return FeaturesRead("pairs", params.rows, **images, vectors=vectors, content=drawn)

    train, heldout = params.train_pairs // params.draws, params.heldout_pairs
    held = read(params.heldout_draws, train=0, heldout=max(1, heldout // params.heldout_draws))
    return read(params.draws, train=max(1, train), heldout=0), held


def trained_control(params: Params) -> str | None:
    """Return the row of the encoder that was trained on the parameters; None without a training."""
    return None if params.supervised is None else SUPERVISED


def fine_tune(params: Params, *, classes: int) -> FineTune:  # noqa: ARG001 - the contract of ops
    """Return the training of the encoder on the parameters of the family, as parts of a spec."""
    assert params.supervised is not None, "asked where there is a training"
    (transform,) = params.families.values()
    (border,) = params.borders
    return supervised_training(
        params.supervised, transform=transform, border=border, hidden=params.hidden
    )


def build(params: Params) -> TransformRegression:
    """Return the evaluation with its parameters."""
    return TransformRegression(params)


def difference(a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Return R² of `a` minus that of `b`, with paired bootstrap intervals, for common rows.

    Both are resampled together, so that the variation common to both cancels.

    Raises:
        UsageError: the two were not measured on the same held-out pairs.
    """
    return regression_difference(a, b)
