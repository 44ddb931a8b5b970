"""Schema of a spec: fields with their units, defaults and the values in the paper.

Each field of `Spec` is marked as changing either the weights or only how the training runs. The
mark also applies to all fields below that have none of their own.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

from eqspec.spec.checkpoints import KeepSpec
from eqspec.spec.controls import CONTROL_VARIANTS, CONTROLS, Controls
from eqspec.spec.data import Data
from eqspec.spec.duration import PositiveDuration
from eqspec.spec.facts import Identity, axis, facts
from eqspec.spec.initial_weights import Backbone, InitUse
from eqspec.spec.use import BareName, NameOrBody, RecipeCall, Use

if TYPE_CHECKING:
    from collections.abc import Mapping


def _count(value: object) -> object:
    """Refuse `true`, which `Literal[1]` would accept."""
    if isinstance(value, bool):
        raise PydanticCustomError("count_type", "no count", {"expected": "1, 2, 3 or `2+final`"})
    return value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EquivarianceSpec(_Section):
    """Equivariance task: a rewrite of the method, its transform and its sizes.

    The card of the rewrite determines which keys it uses; unused keys are refused.
    """

    use: NameOrBody = Field(
        description="The rewrite, for example `intermediate-reconstruction`.",
        json_schema_extra=facts(axes=(axis("rewrite"),)),
    )
    transform: Use | None = Field(
        default=None,
        description="Family of the transforms between the views, if the rewrite uses them.",
        json_schema_extra=facts(
            paper="rot ±45° · trans ±10 px at 224 · color ±0.4, hue ±0.1 · blur σ 0.1-2 · se2",
            axes=(axis("transform", below="use", study=("rot", "trans", "se2")),),
        ),
    )
    images: Annotated[Literal[1, 2, 3, "2+final"], BeforeValidator(_count)] = Field(
        default=2,
        description="Number of intermediate images to reconstruct; `2+final` adds view 2 itself.",
        json_schema_extra=facts(
            unit="images", paper="2", axes=(axis("images", study=(1, 2, 3, "2+final")),)
        ),
    )
    lambda_: float = Field(
        default=1.0,
        alias="lambda",
        ge=0,
        description="Weight of the reconstruction loss relative to the loss of the method.",
        json_schema_extra=facts(paper="1", axes=(axis("lambda", study=(0.1, 1, 5)),)),
    )
    split: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Equivariant share of the embedding's features; alternative to `d_equi`.",
        json_schema_extra=facts(
            paper="0.5 (VICReg) · 0.25 (iBOT, DINOv2)",
            # d_equi of 256, 512, 1024, 2048 and 4096 out of iBOT's 8192.
            axes=(axis("split", study=(1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2), instead_of="d_equi"),),
        ),
    )
    d_equi: int | None = Field(
        default=None,
        ge=1,
        description="Number of equivariant features; alternative to `split`.",
        json_schema_extra=facts(
            unit="features",
            paper="256 (VICReg) · 2048 (iBOT) · 512 (DINOv2)",
            axes=(axis("d_equi", study=(256, 512, 1024, 2048, 4096), instead_of="split"),),
        ),
    )
    border: Literal["reflect", "zeros", "canvas"] = Field(
        default="reflect",
        description="Pixels beyond the crop: its mirror image, black, or the surrounding image.",
        json_schema_extra=facts(axes=(axis("border"),)),
    )
    reduction: Literal["mean", "mean-over-variance", "sum-per-image"] = Field(
        default="mean",
        description="Reduction of squared pixel errors to one number; sets the unit of lambda.",
        json_schema_extra=facts(paper="mean", axes=(axis("reduction"),)),
    )
    with_: dict[str, JsonValue] = Field(
        default_factory=dict,
        alias="with",
        description="Overrides of values of the rewrite, by dotted path.",
    )


class TrainSpec(_Section):
    """Length, batch, optimizer and precision of the training."""

    length: PositiveDuration = Field(
        description="Length of the training: `800 epochs`, `2000 steps` or `65536 samples`.",
        json_schema_extra=facts(
            paper="800 epochs (VICReg, iBOT ViT-S) · 250 epochs (iBOT ViT-L) · 100 epochs (DINOv2)",
            axes=(axis("length"),),
        ),
    )
    batch: int = Field(
        ge=2,
        description="Global batch size, over all devices.",
        json_schema_extra=facts(
            unit="images",
            paper="2048 (VICReg, DINOv2) · 1024 (iBOT)",
            axes=(axis("batch"),),
        ),
    )
    optimizer: RecipeCall | None = Field(
        default=None,
        description="Optimizer; null selects the recipe's, `params` alone override its values.",
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
        description="Schedule of the learning rate; null selects the recipe's, `params` alone "
        "override its values.",
        json_schema_extra=facts(paper="cosine; 10 epochs of warmup (DINOv2)"),
    )
    precision: Literal["fp32", "bf16"] = Field(
        default="fp32",
        description="Precision of the encoders; losses are always computed in at least fp32.",
        json_schema_extra=facts(axes=(axis("precision"),)),
    )


class Evaluation(_Section):
    """Evaluation of the encoder, at the end or at intervals."""

    use: NameOrBody = Field(description="The evaluation: `r2`, `knn`, `linear-probe`, …")
    at: Literal["end"] | None = Field(default=None, description="`end`: once, after the last step.")
    every: PositiveDuration | None = Field(
        default=None, description="Interval of repeated evaluations; alternative to `at`."
    )
    with_: dict[str, JsonValue] = Field(
        default_factory=dict,
        alias="with",
        description="Overrides of values of the evaluation card, by dotted path.",
    )


class Machine(_Section):
    """Settings for this machine; results are the same up to rounding."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Device of all tensors; auto selects CUDA if available."
    )
    workers: Literal["auto"] | Annotated[int, Field(ge=0, le=512)] = Field(
        default="auto",
        description="Processes that read images, 0 for none besides the training; auto uses one "
        "for each core that training leaves free, up to 4, and none for images in memory.",
        json_schema_extra=facts(unit="processes"),
    )
    compile: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Compile blocks and losses; auto: if a compiler is here and it pays.",
    )
    micro_batches: Literal["auto"] | Annotated[int, Field(ge=1)] = Field(
        default="auto",
        description="Number of pieces in which a batch is encoded to save memory; exact.",
        json_schema_extra=facts(unit="pieces"),
    )


class Spec(_Section):
    """Declaration of one encoder, trained or published, and of its evaluations."""

    schema_version: Literal[1] = Field(
        alias="schema",
        description="Version of this schema.",
        json_schema_extra=facts(identity="how"),
    )
    about: str = Field(
        default="",
        description="One sentence about the purpose of the experiment.",
        json_schema_extra=facts(identity="how"),
    )
    seed: int = Field(
        default=0,
        ge=0,
        description="Seed of all random numbers.",
        json_schema_extra=facts(identity="weights", axes=(axis("seed"),)),
    )
    image: int | None = Field(
        default=None,
        ge=8,
        description="Side of the square crops; null selects that of the backbone or the data.",
        json_schema_extra=facts(
            identity="weights", unit="pixels", paper="224", axes=(axis("image"),)
        ),
    )
    data: Data = Field(
        description="Training data.",
        json_schema_extra=facts(identity="weights", paper="imagenet1k"),
    )
    augment: Use | None = Field(
        default=None,
        description="Augmentation that produces the views; null selects the method's recipe.",
        json_schema_extra=facts(identity="weights", axes=(axis("augment", below="use"),)),
    )
    backbone: Backbone = Field(
        description="Encoder, optionally with published weights to start from.",
        json_schema_extra=facts(
            identity="weights",
            paper="vit_small_patch16 · vit_large_patch16",
            axes=(axis("backbone", below="use"), axis("init", below="init")),
        ),
    )
    method: Use | None = Field(
        default=None,
        description="Self-supervised method; null for a spec without training.",
        json_schema_extra=facts(
            identity="weights",
            paper="vicreg · ibot · dinov2",
            axes=(axis("method", below="use"),),
        ),
    )
    equivariance: Literal["none"] | EquivarianceSpec = Field(
        default="none",
        description="Equivariance task that is added to the method, or `none`.",
        json_schema_extra=facts(identity="weights", paper="intermediate-reconstruction"),
    )
    train: TrainSpec | None = Field(
        default=None,
        description="Length, batch, optimizer; null evaluates the backbone's published weights.",
        json_schema_extra=facts(identity="weights"),
    )
    init_from: InitUse | None = Field(
        default=None,
        description="Initial weights: a run folder or a file. Training starts at step 0.",
        json_schema_extra=facts(identity="weights"),
    )
    evaluate: tuple[Evaluation, ...] = Field(
        default=(),
        description="Evaluations of the encoder.",
        json_schema_extra=facts(identity="how"),
    )
    compare: Controls | dict[BareName, dict[str, JsonValue]] = Field(
        default_factory=dict,
        description="Variants, each a separate run: name → overrides by dotted path. `controls`: "
        "`plain`, without the rewrite, and `lambda0`, with its views and λ = 0.",
        json_schema_extra=facts(identity="how"),
    )
    keep: KeepSpec = Field(
        default_factory=KeepSpec,
        description="Checkpoints to keep.",
        json_schema_extra=facts(identity="how"),
    )
    machine: Machine = Field(
        default_factory=Machine,
        description="How to run on this machine; does not change what is trained.",
        json_schema_extra=facts(identity="how"),
    )

    @property
    def variants(self) -> Mapping[str, Mapping[str, JsonValue]]:
        """The variants of `compare:` by name, each with its overrides by dotted path."""
        if self.compare == CONTROLS:
            return {name: dict(changes) for name, changes in CONTROL_VARIANTS.items()}
        return self.compare


def identity_fields() -> Mapping[str, Identity]:
    """Return for each key of a spec whether it changes the weights or only how it runs."""
    marks: dict[str, Identity] = {}
    for name, field in Spec.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict), f"{name} is not marked"
        marks[field.alias or name] = "weights" if extra["identity"] == "weights" else "how"
    return MappingProxyType(marks)
