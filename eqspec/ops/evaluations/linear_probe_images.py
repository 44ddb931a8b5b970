"""Accuracy of linear classifiers on a frozen encoder, trained on augmented images.

The linear evaluation of DINO (arXiv:2104.14294, section 4.1), iBOT (arXiv:2111.07832) and DINOv2
(arXiv:2304.07193, section 7.1): random resized crops and flips, SGD with momentum and without
weight decay, the learning rate on a cosine to zero; one classifier for every learning rate and kind
of features, all trained at once on the same batches. `linear_probe` is its cheaper form on features
of centre crops.

- The training is a run of its own in `evaluations/<id>/step-<n>/` of the run's folder: it saves
  checkpoints, resumes, and is sealed and audited like any run.
- Features: class tokens of the last blocks after the final norm, with or without the mean patch of
  the last block.
- `select` sets the images on which the best classifier is chosen: a `slice` of the training files
  on which no classifier was trained (the default), or the reported `held-out` images, as in the
  papers; then `top1` is optimistic.
- Held-out images are centre crops. `top1` and `mean_per_class` have 95 % intervals over held-out
  images. The facts contain the chosen classifier and every classifier's top-1 on those images.
"""

from __future__ import annotations

from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from eqspec.nn.readouts.accuracy import accuracy_difference
from eqspec.nn.readouts.measurement import Measurement, ResultSet, Summary
from eqspec.ops.fine_tuning import FineTune
from eqspec.ops.op import OpParams
from eqspec.spec.duration import PositiveDuration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from eqspec.nn.readouts.image_features import FineTunedBench

rev = 1
needs_labels = True
trains = True
summary = Summary(
    title="accuracy of a linear classifier trained on augmented images",
    metrics={"top1": "top-1", "mean_per_class": "mean per class"},
)
tolerance = 0.02
"""Difference allowed for rounding on other hardware, which training amplifies."""


class Params(OpParams):
    """Parameters of the protocol; the papers' values are on the cards.

    Attributes:
        lrs: learning rates per 256 images.
        blocks: numbers of last blocks whose class tokens are used.
        mean_patch: whether to add the mean patch of the last block.
        length: length of the training: `100 epochs`, `12500 steps`.
        batch: images per step.
        momentum: momentum of SGD.
        scale: area of the random crops, as a share of the image's area.
        select: images on which the best classifier is chosen.
        slice: share of the training files left out of the training to choose the classifier.
        precision: precision of the frozen encoder.
        resamples: number of bootstrap resamples.
    """

    lrs: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1)
    blocks: tuple[Annotated[int, Field(ge=1)], ...] = Field((1,), min_length=1)
    mean_patch: tuple[bool, ...] = Field((False,), min_length=1)
    length: PositiveDuration
    batch: int = Field(ge=2)
    momentum: float = Field(0.9, ge=0, lt=1)
    scale: tuple[float, float] = (0.08, 1.0)
    select: Literal["slice", "held-out"] = "slice"
    slice: float = Field(0.1, gt=0, lt=1)
    precision: Literal["fp32", "bf16"] = "fp32"
    resamples: int = Field(1000, ge=1000)

    @property
    def classifiers(self) -> tuple[str, ...]:
        """Names of the classifiers in the order of the grid, in which rates vary fastest."""
        kinds = product(self.blocks, self.mean_patch)
        named = [f"{n} blocks{' + mean patch' if patch else ''}" for n, patch in kinds]
        return tuple(f"{kind}, lr {lr:g}" for kind, lr in product(named, self.lrs))


example = MappingProxyType({"lrs": [0.1], "length": "2 epochs", "batch": 8})


def fine_tune(params: Params, *, classes: int) -> FineTune:
    """Return the training of all classifiers, as parts of a spec."""
    taps, peak = max(params.blocks), max(params.lrs)
    encoder: dict[str, JsonValue] = {"backbone": "from-spec", "frozen": True}
    if taps > 1:
        encoder["params"] = {"taps": taps}
    grid: dict[str, JsonValue] = {
        "classes": classes,
        "taps": taps,
        "blocks": list(params.blocks),
        "mean_patch": list(params.mean_patch),
        "rates": len(params.lrs),
    }
    rules: list[JsonValue] = [
        {"match": f"probe.rate_{at}", "lr_scale": lr / peak} for at, lr in enumerate(params.lrs)
    ]
    return FineTune(
        method=_method(encoder, grid, rules=rules),
        augment=_augmentation(params),
        train={
            "length": str(params.length),
            "batch": params.batch,
            "optimizer": {
                "impl": "sgd",
                "params": {"lr": f"{peak!r} per 256", "momentum": params.momentum},
            },
            "schedule": {"impl": "warmup_cosine"},
            "precision": params.precision,
        },
        held_back=params.slice if params.select == "slice" else 0.0,
    )


def _method(
    encoder: dict[str, JsonValue], grid: dict[str, JsonValue], *, rules: list[JsonValue]
) -> Mapping[str, JsonValue]:
    return {
        "card": "method",
        "name": "linear-probe",
        "rev": 1,
        "about": "Linear classifiers on a frozen encoder, one for each learning rate.",
        "views": {"global": {"count": 1}},
        "modules": {"encoder": encoder, "probe": {"impl": "linear_grid", "params": grid}},
        "flow": {
            "tokens": {"apply": "encoder", "to": {"images": "global"}},
            "view": {"view": 0, "of": "tokens"},
            "logits": {"apply": "probe", "to": {"x": "view"}},
        },
        "equivariance": {"refused": "it evaluates an encoder"},
        "terms": {
            "classification": {
                "impl": "classification",
                "x": "logits",
                "labels": "labels",
                "weight": 1.0,
            }
        },
        "recipe": {"rules": rules},
    }


def _augmentation(params: Params) -> Mapping[str, JsonValue]:
    view: dict[str, JsonValue] = {
        "crop": {"scale": list(params.scale), "interpolation": "bicubic"},
        "steps": [{"impl": "flip", "p": 0.5}],
    }
    return {
        "card": "augmentation",
        "name": "crop_flip",
        "rev": 1,
        "about": "A random resized crop and a flip, as in the linear evaluation of DINO.",
        "groups": {"global": {"views": [view]}},
    }


class LinearProbeImages:
    """The evaluation, ready to read trained classifiers."""

    def __init__(self, params: Params) -> None:
        self.params = params

    def run(self, bench: FineTunedBench) -> ResultSet:
        """Measure one model: the accuracy of the chosen classifier."""
        from eqspec.nn.readouts.classification import classification_result

        p = self.params
        reported = bench.predicted("held-out", stream="logits")
        choice = reported if p.select == "held-out" else bench.predicted("slice", stream="logits")
        top1 = (choice.classes == choice.images.targets[:, None]).mean(axis=0)
        best = int(top1.argmax())
        by_name = dict(zip(p.classifiers, top1.tolist(), strict=True))
        return classification_result(
            bench.learned_from(),
            reported.images,
            {("encoder", ()): reported.classes[:, best]},
            resamples=p.resamples,
            facts={"classifier": p.classifiers[best], "select": p.select, "choice_top1": by_name},
        )


def build(params: Params) -> LinearProbeImages:
    """Return the evaluation with its parameters."""
    return LinearProbeImages(params)


def difference(a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Return the accuracy of `a` minus that of `b`, with paired intervals.

    Raises:
        UsageError: the two were not measured on the same held-out images.
    """
    return accuracy_difference(a, b)
