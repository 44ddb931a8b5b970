"""Training of an encoder on the parameters of transformations, as parts of a spec. Free of torch.

The pairs (I, g(I)) are those of the `r2` benchmark: the centre square of an image on a canvas of
1.5 times the encoder's image size, I its middle, g uniform in its ranges, the same border. Only g
is drawn anew in every epoch. The mean patches of I and g(I) are concatenated, as the readouts see
them, and an MLP predicts the parameters from them, each scaled from its range onto [−1, 1]; the
loss is the mean squared error, as in SIE's evaluation (arXiv:2302.10283). All weights move.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, JsonValue

from eqspec.ops.find import find_transform
from eqspec.ops.fine_tuning import FineTune
from eqspec.ops.op import OpCall, OpParams
from eqspec.spec.duration import Duration, PositiveDuration

SUPERVISED = "supervised"
"""Name of the control, and of its row in tables."""

MARGIN, INNER = 0.25, 2 / 3
"""Margin of a view as a share of its side, and side of a view as a share of the image's square: the
canvas of 1.5 times the side, with the whole square."""


class Supervised(OpParams):
    """Budget of a training on transformation parameters.

    Attributes:
        length: length of the training: `100 epochs`, `3000 steps`.
        batch: pairs per step.
        lr: peak learning rate of AdamW.
        weight_decay: of AdamW.
        warmup: length of the linear warmup, before a cosine to zero.
        precision: of the encoder.
    """

    length: PositiveDuration
    batch: int = Field(ge=2)
    lr: float = Field(gt=0)
    weight_decay: float = Field(0.05, ge=0)
    warmup: Duration = Duration(0, "steps")
    precision: Literal["fp32", "bf16"] = "fp32"


def supervised_training(
    budget: Supervised, *, transform: OpCall, border: str, hidden: tuple[int, ...]
) -> FineTune:
    """Return the training as parts of a spec; it starts from the encoder's initial weights.

    Args:
        budget: length, batch and optimizer.
        transform: family of the transformations, with its ranges.
        border: what lies outside of I.
        hidden: widths of the hidden layers between features and parameters.
    """
    parameters = len(find_transform(transform.impl).names)
    return FineTune(
        method=_method(),
        augment=_augmentation(),
        equivariance={
            "use": _rewrite((*hidden, parameters)),
            "transform": _transform(transform),
            "border": border,
        },
        train={
            "length": str(budget.length),
            "batch": budget.batch,
            "optimizer": {
                "impl": "adamw",
                "params": {"lr": budget.lr, "weight_decay": budget.weight_decay},
            },
            "schedule": {"impl": "warmup_cosine", "params": {"warmup": str(budget.warmup)}},
            "precision": budget.precision,
        },
        start="initial",
    )


def _method() -> Mapping[str, JsonValue]:
    return {
        "card": "method",
        "name": "encoder",
        "rev": 1,
        "about": "An encoder of two views, without a loss of its own.",
        "views": {"global": {"count": 2}},
        "modules": {"encoder": {"backbone": "from-spec"}},
        "flow": {"tokens": {"apply": "encoder", "to": {"images": "global"}}},
        "embedding": {"module": "encoder"},
        "terms": {},
    }


def _rewrite(widths: tuple[int, ...]) -> dict[str, JsonValue]:
    return {
        "card": "equivariance",
        "name": "parameter-regression",
        "rev": 1,
        "about": "Predict the parameters of the transform between two views from both.",
        "add": {
            "modules": {"regressor": {"impl": "mlp", "params": {"widths": list(widths)}}},
            "flow": {
                "seen_patches": {"select": "patches", "of": "encoded"},
                "seen_pooled": {"pool": "mean", "of": "seen_patches"},
                "seen_0": {"view": 0, "of": "seen_pooled"},
                "seen_1": {"view": 1, "of": "seen_pooled"},
                "seen_pair": {"concat": ["seen_0", "seen_1"]},
                "predicted": {"apply": "regressor", "to": {"x": "seen_pair"}},
            },
            "terms": {
                "regression": {"impl": "mse", "x": "predicted", "y": "parameters", "weight": 1.0}
            },
        },
    }


def _transform(transform: OpCall) -> dict[str, JsonValue]:
    return {
        "card": "transform",
        "name": transform.impl,
        "rev": 1,
        "about": "A family of the evaluation, with its ranges.",
        "impl": transform.impl,
        "params": dict(transform.params),
    }


def _augmentation() -> Mapping[str, JsonValue]:
    view: dict[str, JsonValue] = {"crop": {"centre": INNER, "interpolation": "bilinear"}}
    return {
        "card": "augmentation",
        "name": "centre_square",
        "rev": 1,
        "about": "The middle of the centre square, with the margin that the benchmark cuts.",
        "groups": {"global": {"margin": MARGIN, "views": [view]}},
    }
