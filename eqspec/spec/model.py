"""The schema of a spec: what may be written, in which unit, by default, and in the paper.

Each field of `Spec` is marked once: it changes the weights, or only how the training runs. The
mark holds for everything below the field that has none of its own.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

from eqspec.spec.checkpoints import Backbone, InitUse, KeepSpec
from eqspec.spec.data import Data
from eqspec.spec.duration import PositiveDuration
from eqspec.spec.facts import Identity, axis, facts
from eqspec.spec.use import BareName, NameOrBody, RecipeCall, Use

if TYPE_CHECKING:
    from collections.abc import Mapping


def _count(value: object) -> object:
    """`Literal[1]` alone would take `true` for 1."""
    if isinstance(value, bool):
        raise PydanticCustomError("count_type", "no count", {"expected": "1, 2, 3 or `2+final`"})
    return value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EquivarianceSpec(_Section):
    """How the embedding is made to tell transforms: a rewrite, its transform and its sizes.

    Which of the keys a rewrite reads is told from its card; one that it does not read is refused.
    """

    use: NameOrBody = Field(
        description="The rewrite, for example `intermediate-reconstruction`.",
        json_schema_extra=facts(axes=(axis("rewrite"),)),
    )
    transform: Use | None = Field(
        default=None,
        description="The family of transforms between the views, where the rewrite reads them.",
        json_schema_extra=facts(
            paper="rot ±45° · trans ±10 px at 224 · color ±0.4, hue ±0.1 · blur σ 0.1-2 · se2",
            axes=(axis("transform", below="use", study=("rot", "trans", "se2")),),
        ),
    )
    images: Annotated[Literal[1, 2, 3, "2+final"], BeforeValidator(_count)] = Field(
        default=2,
        description="How many in-between images are reconstructed; `2+final` adds view 2 itself.",
        json_schema_extra=facts(
            unit="images", paper="2", axes=(axis("images", study=(1, 2, 3, "2+final")),)
        ),
    )
    lambda_: float = Field(
        default=1.0,
        alias="lambda",
        ge=0,
        description="Weight of the reconstruction loss beside the method's own.",
        json_schema_extra=facts(paper="1", axes=(axis("lambda", study=(0.1, 1, 5)),)),
    )
    split: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Share of the embedding's features that is equivariant; or write `d_equi`.",
        json_schema_extra=facts(
            paper="0.5 (VICReg) · 0.25 (iBOT, DINOv2)",
            # d_equi of 256, 512, 1024, 2048 and 4096 out of iBOT's 8192.
            axes=(axis("split", study=(1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2), instead_of="d_equi"),),
        ),
    )
    d_equi: int | None = Field(
        default=None,
        ge=1,
        description="Number of equivariant features; or write `split`.",
        json_schema_extra=facts(
            unit="features",
            paper="256 (VICReg) · 2048 (iBOT) · 512 (DINOv2)",
            axes=(axis("d_equi", study=(256, 512, 1024, 2048, 4096), instead_of="split"),),
        ),
    )
    border: Literal["reflect", "zeros", "canvas"] = Field(
        default="reflect",
        description="What a transform finds beyond the crop: its mirror image, black, or more.",
        json_schema_extra=facts(axes=(axis("border"),)),
    )
    reduction: Literal["mean", "mean-over-variance", "sum-per-image"] = Field(
        default="mean",
        description="How squared pixel errors become one number; decides what lambda means.",
        json_schema_extra=facts(paper="mean", axes=(axis("reduction"),)),
    )
    with_: dict[str, JsonValue] = Field(
        default_factory=dict,
        alias="with",
        description="Values that replace the rewrite's own, by dotted path.",
    )


class TrainSpec(_Section):
    """How long, on how much at once, and by which rule the weights move."""

    length: PositiveDuration = Field(
        description="Length of the training: `800 epochs`, `2000 steps` or `65536 samples`.",
        json_schema_extra=facts(
            paper="800 epochs (VICReg, iBOT ViT-S) · 250 epochs (iBOT ViT-L) · 100 epochs (DINOv2)",
            axes=(axis("length"),),
        ),
    )
    batch: int = Field(
        ge=2,
        description="Global batch, over all devices; per-device batches are derived from it.",
        json_schema_extra=facts(
            unit="images",
            paper="2048 (VICReg, DINOv2) · 1024 (iBOT)",
            axes=(axis("batch"),),
        ),
    )
    optimizer: RecipeCall | None = Field(
        default=None,
        description="The optimizer; null takes the recipe's, `params` alone are laid over it.",
        json_schema_extra=facts(
            paper="adamw; lr 1.0e-4 per 256 (VICReg) · 5.0e-4 per 256 (iBOT) · "
            "4.0e-3 per sqrt 1024 (DINOv2)",
            axes=(
                axis("lr", below="params.lr"),
                axis("weight_decay", below="params.weight_decay"),
            ),
        ),
    )
    schedule: RecipeCall | None = Field(
        default=None,
        description="Schedule of the learning rate; null takes the recipe's, `params` alone are "
        "laid over it.",
        json_schema_extra=facts(paper="cosine; 10 epochs of warmup (DINOv2)"),
    )
    precision: Literal["fp32", "bf16"] = Field(
        default="fp32",
        description="Arithmetic of the encoders; losses are always at least fp32.",
        json_schema_extra=facts(axes=(axis("precision"),)),
    )


class Evaluation(_Section):
    """One judgement of the encoder, at the end or every so often."""

    use: NameOrBody = Field(description="The evaluation: `r2`, `knn`, `linear-probe`, …")
    at: Literal["end"] | None = Field(default=None, description="`end`: once, after the last step.")
    every: PositiveDuration | None = Field(
        default=None, description="Or again and again, this far apart."
    )
    with_: dict[str, JsonValue] = Field(
        default_factory=dict,
        alias="with",
        description="Values that replace the evaluation card's, by dotted path.",
    )


class Machine(_Section):
    """How the training runs here: the same real-number result, other rounding at most."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where tensors live; auto takes CUDA when there is one."
    )
    workers: Literal["auto"] | Annotated[int, Field(ge=0, le=512)] = Field(
        default="auto",
        description="Processes that read images, 0 for none beside the training; auto takes one "
        "for each core that training leaves free, up to 4, and none for images held in memory.",
        json_schema_extra=facts(unit="processes"),
    )
    compile: Literal["auto", "on", "off"] = Field(
        default="auto", description="Compile blocks and losses; auto does if a compiler is at hand."
    )
    micro_batches: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        default="auto",
        description="Pieces in which the batch is encoded when it does not fit into memory; exact.",
        json_schema_extra=facts(unit="pieces"),
    )


class Spec(_Section):
    """One encoder, trained or published, with its evaluations, as a person writes it."""

    schema_version: Literal[1] = Field(
        alias="schema",
        description="Version of this schema.",
        json_schema_extra=facts(identity="how"),
    )
    about: str = Field(
        default="",
        description="A sentence on what this trains and why.",
        json_schema_extra=facts(identity="how"),
    )
    seed: int = Field(
        default=0,
        ge=0,
        description="Where all randomness starts.",
        json_schema_extra=facts(identity="weights", axes=(axis("seed"),)),
    )
    image: int | None = Field(
        default=None,
        ge=8,
        description="Side of the square crops; null takes the backbone's or the data's.",
        json_schema_extra=facts(
            identity="weights", unit="pixels", paper="224", axes=(axis("image"),)
        ),
    )
    data: Data = Field(
        description="What is trained on.",
        json_schema_extra=facts(identity="weights", paper="imagenet1k"),
    )
    augment: Use | None = Field(
        default=None,
        description="How views are made from an image; null takes the method's recipe.",
        json_schema_extra=facts(identity="weights", axes=(axis("augment", below="use"),)),
    )
    backbone: Backbone = Field(
        description="The encoder, and published weights where it starts from some.",
        json_schema_extra=facts(
            identity="weights",
            paper="vit_small_patch16 · vit_large_patch16",
            axes=(axis("backbone", below="use"), axis("init", below="init")),
        ),
    )
    method: Use | None = Field(
        default=None,
        description="The self-supervised method; null where nothing is trained.",
        json_schema_extra=facts(
            identity="weights",
            paper="vicreg · ibot · dinov2",
            axes=(axis("method", below="use"),),
        ),
    )
    equivariance: Literal["none"] | EquivarianceSpec = Field(
        default="none",
        description="What the embedding must tell about the transform between views, or `none`.",
        json_schema_extra=facts(identity="weights", paper="intermediate-reconstruction"),
    )
    train: TrainSpec | None = Field(
        default=None,
        description="Length, batch, optimizer; null judges the backbone's published weights.",
        json_schema_extra=facts(identity="weights"),
    )
    init_from: InitUse | None = Field(
        default=None,
        description="Weights to start from: a run folder or a file. No resume: step 0 comes next.",
        json_schema_extra=facts(identity="weights"),
    )
    evaluate: tuple[Evaluation, ...] = Field(
        default=(),
        description="How the encoder is judged.",
        json_schema_extra=facts(identity="how"),
    )
    compare: dict[BareName, dict[str, JsonValue]] = Field(
        default_factory=dict,
        description="Variants, each a run of its own: by name, what they set by dotted path.",
        json_schema_extra=facts(identity="how"),
    )
    keep: KeepSpec = Field(
        default_factory=KeepSpec,
        description="Which checkpoints stay.",
        json_schema_extra=facts(identity="how"),
    )
    machine: Machine = Field(
        default_factory=Machine,
        description="How the training runs here; never changes what is trained.",
        json_schema_extra=facts(identity="how"),
    )


def identity_fields() -> Mapping[str, Identity]:
    """For each key of a spec: does it change the weights, or only how it runs?"""
    marks: dict[str, Identity] = {}
    for name, field in Spec.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict), f"{name} is not marked"
        marks[field.alias or name] = "weights" if extra["identity"] == "weights" else "how"
    return MappingProxyType(marks)
