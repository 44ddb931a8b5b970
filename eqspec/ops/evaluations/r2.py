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
- The summary metric `r2` is the uniform mean over parameters. `r2_weighted` and `r2_pooled` are in
  the transformation's own units; see `eqspec.nn.readouts.r2`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from eqspec.errors import UsageError
from eqspec.nn.readouts.bootstrap import interval, resample
from eqspec.nn.readouts.measurement import (
    IMAGES,
    SOURCES,
    Group,
    Measurement,
    ResultSet,
    Summary,
    difference_of,
)
from eqspec.nn.readouts.r2 import constant_r2, r2, resampled_r2
from eqspec.ops.evaluation_reads import FeaturesRead
from eqspec.ops.feature_rows import ROWS, Row, TokenRow
from eqspec.ops.op import OpCall, OpParams
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from eqspec.nn.readouts.pair_features import PairFeatures
    from eqspec.ops.contract.pair_bench import PairBench

rev = 1
needs_labels = False
summary = Summary(
    title="R² of a transformation's parameters, read from encoder features",
    metrics={"r2": ""},
    by=("family", "border"),
)
tolerance = 0.02
"""Difference allowed for rounding on other hardware, which training amplifies. Changes of 1e-7 in
the weights of an encoder changed R² over 512 pairs by 0.004."""

Key = tuple[str, str, str]
"""(row, family, border)."""


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
        train = self._pairs(bench, "train")
        held = self._pairs(bench, "held-out")
        draws = self.params.heldout_draws
        images, sources = np.repeat(held.images, draws), np.repeat(held.sources, draws)
        resamples = _resamples(images, sources, resamples=self.params.resamples)
        measurements: list[Measurement] = []
        arrays = {"images": images, "sources": sources}
        for key in held.moved:
            squares_SMP = self._squared_errors(train, held, key)
            measurements += _measurements(squares_SMP, held=held, key=key, resamples=resamples)
            arrays[_name(key)] = squares_SMP.mean(axis=0).astype(np.float32)
            arrays[f"targets/{key[1]}"] = held.scaled(key[1]).astype(np.float32)
        facts = {
            "train_images": len(train.images),
            "train_pairs": len(train.images) * self.params.draws,
            "heldout_images": len(held.images),
            "heldout_pairs": len(images),
            "heldout_sources": len(np.unique(sources)),
            "regressor_seeds": self.params.seeds,
            "resamples": self.params.resamples,
        }
        return ResultSet(tuple(measurements), facts=facts, arrays=arrays)

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


def build(params: Params) -> TransformRegression:
    """Return the evaluation with its parameters."""
    return TransformRegression(params)


def difference(a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Return R² of `a` minus that of `b`, with paired bootstrap intervals, for common rows.

    Both are resampled together, so that the variation common to both cancels.

    Raises:
        UsageError: the two were not measured on the same held-out pairs.
    """
    shared = [name for name in a.arrays if name in b.arrays]
    for name in shared:
        if not name.startswith("errors/") and not np.array_equal(a.arrays[name], b.arrays[name]):
            raise UsageError(
                f"the two results cannot be compared: their {name} differ",
                help="evaluate both with the same protocol on the same data",
            )
    count = min(int(a.facts["resamples"]), int(b.facts["resamples"]))
    resamples = _resamples(a.arrays["images"], a.arrays["sources"], resamples=count)
    return tuple(
        _difference(a, b, name=name, resamples=resamples)
        for name in shared
        if name.startswith("errors/")
    )


def _difference(
    a: ResultSet, b: ResultSet, *, name: str, resamples: Mapping[str, np.ndarray]
) -> Measurement:
    """Return the difference of one row, family and border; `name` is the name of its array."""
    _, row, family, border = name.split("/")
    targets = a.arrays[f"targets/{family}"]
    of_a, of_b = a.arrays[name], b.arrays[name]
    return Measurement(
        difference_of("r2"),
        r2(of_a, targets).uniform - r2(of_b, targets).uniform,
        row=row,
        group=_group(family, border),
        intervals=tuple(
            interval(
                resampled_r2(times, of_a, targets) - resampled_r2(times, of_b, targets), over=over
            )
            for over, times in resamples.items()
        ),
        n=len(targets),
    )


def _name(key: Key) -> str:
    return "/".join(("errors", *key))


def _group(family: str, border: str) -> Group:
    return (("family", family), ("border", border))


def _resamples(images: np.ndarray, sources: np.ndarray, *, resamples: int) -> dict[str, np.ndarray]:
    """Return bootstrap multiplicities by unit of resampling; sources only if there are several.

    The names of the random streams predate the general words and must not change.
    """
    found = {IMAGES: resample(images, resamples=resamples, op="r2.bootstrap.crops")}
    if len(np.unique(sources)) > 1:
        found[SOURCES] = resample(sources, resamples=resamples, op="r2.bootstrap.photos")
    return found


def _measurements(
    squares_SMP: np.ndarray, *, held: PairFeatures, key: Key, resamples: Mapping[str, np.ndarray]
) -> Iterator[Measurement]:
    """Yield all measurements of one row, family and border."""
    row, family, border = key
    targets = held.scaled(family)
    one = partial(Measurement, row=row, n=len(targets))
    group = _group(family, border)
    # RSS is linear in the errors: the R² of mean errors is the mean R² of the seeds.
    squares = squares_SMP.mean(axis=0)
    score = r2(squares, targets)
    intervals = tuple(
        interval(resampled_r2(times, squares, targets), over=over)
        for over, times in resamples.items()
    )
    yield one("r2", score.uniform, group=group, intervals=intervals)
    if len(squares_SMP) > 1:
        spread = np.std([r2(s, targets).uniform for s in squares_SMP], ddof=1)
        yield one("r2_seed_spread", float(spread), group=group)
    for name, value in zip(held.names[family], score.per_parameter, strict=True):
        yield one("r2_parameter", float(value), group=(*group, ("parameter", name)))
    low, high = held.ranges[family].T
    half = (high - low) / 2
    own = targets * half + (low + high) / 2
    in_units, constant = r2(squares * half**2, own), constant_r2(own)
    yield one("r2_constant", constant.uniform, group=group)
    yield one("r2_weighted", in_units.weighted, group=group)
    yield one("r2_weighted_constant", constant.weighted, group=group)
    yield one("r2_pooled", in_units.pooled, group=group)
    yield one("r2_pooled_constant", constant.pooled, group=group)
