"""The cards: one frozen model per family. What a spec names with `use:` is one of these."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator

from eqspec.registry.declared import Declared
from eqspec.registry.grammar import (
    Addition,
    Alternative,
    EmbeddingDecl,
    InputDecl,
    ModuleDecl,
    Needs,
    Recipe,
    Refusal,
    Step,
    TeacherDecl,
    TermDecl,
    ViewGroupDecl,
)
from eqspec.registry.patterns import Pattern, need_pattern, need_replacement
from eqspec.registry.view_groups import GroupDecl, Share, rising
from eqspec.spec.checkpoints import PublishedUse
from eqspec.spec.data import Fingerprint
from eqspec.spec.use import BareName, NameOrBody


class CardModel(Declared):
    """Base class for the data of cards.

    Attributes:
        family: the folder under ``registry/``.
        name: of a body written inside a spec; a file's own name is its stem.
        rev: raised when the card's numbers change.
        about: one sentence.
        paper: where the numbers come from.
        status: proved (terms, their gradients and schedules against the authors' own code), toy
            (runs, not the paper's numbers), or ours.
    """

    family: ClassVar[str]

    name: BareName | None = None
    rev: int = Field(ge=1)
    about: str = Field(min_length=10)
    paper: str | None = None
    notes: str | None = None
    licence: str | None = None


class MethodCard(CardModel):
    """A self-supervised method as a graph of named streams."""

    family: ClassVar[str] = "methods"

    card: Literal["method"]
    status: Literal["proved", "toy", "ours"] = "toy"
    views: dict[str, ViewGroupDecl] = Field(min_length=1)
    modules: dict[str, ModuleDecl] = Field(min_length=1)
    teachers: dict[str, TeacherDecl] = Field(default_factory=dict)
    inputs: dict[str, InputDecl] = Field(default_factory=dict)
    flow: dict[str, Step] = Field(min_length=1)
    embedding: EmbeddingDecl | None = None
    equivariance: Refusal | None = None
    terms: dict[str, TermDecl] = Field(min_length=1)
    recipe: Recipe = Recipe()

    @model_validator(mode="after")
    def _cut_or_refusal(self) -> MethodCard:
        if (self.embedding is None) == (self.equivariance is None):
            raise ValueError(
                "a method names its `embedding`, "
                "or says why it has none: `equivariance: {refused: …}`"
            )
        return self


class EquivarianceCard(CardModel):
    """A rewrite of method graphs: what it cuts, adds, rewires and drops.

    Attributes:
        cut: the embedding, into ``inv`` and ``equi``; or nothing, so that it reads ``embedded``.
        drop: terms of the method that are left out.
        either: by a name that says what is chosen, the ways to do it; the first that fits is taken.
    """

    family: ClassVar[str] = "equivariance"

    card: Literal["equivariance"]
    status: Literal["proved", "toy", "ours"] = "toy"
    needs: Needs = Needs()
    cut: Literal["embedding", "none"] = "none"
    add: Addition = Addition()
    rewire: dict[str, str] = Field(default_factory=dict)
    drop: list[str] = Field(default_factory=list)
    either: dict[str, Annotated[list[Alternative], Field(min_length=1)]] = Field(
        default_factory=dict
    )


class BackboneFacts(Declared):
    """Promises about an encoder.

    Attributes:
        width: features of a token.
        mean, std: per channel of pixels in [0, 1], by which its published weights want images
            normalised; None for ImageNet's, as nearly all do.
    """

    width: int | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None


class BackboneCard(CardModel):
    """An encoder: an op with its sizes, and facts that contract tests check.

    Attributes:
        init: of a body written inside a spec: the published weights that it starts from.
    """

    family: ClassVar[str] = "backbones"

    card: Literal["backbone"]
    impl: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    facts: BackboneFacts = BackboneFacts()
    init: PublishedUse | None = None


_MOST_RULES = 50
"""Of one kind in a layout."""


class LayoutCard(CardModel):
    """How those who publish weights name them in a file, and which of them are an encoder's.

    A name is the keys that lead to a tensor, joined by `/`: ``teacher/backbone.cls_token``. The
    rules are patterns (`eqspec.registry.patterns`); timm's names, which eqspec's encoders have, are
    the aim.

    Attributes:
        source: where the names were read.
        known_by: each matches the whole of some name in every such file.
        parts: networks in a file → what stands before the names of their encoder; of those that a
            file has, the first is taken unless a spec says otherwise.
        rename: patterns in an encoder's names → what takes their place, one after the other.
        aside: patterns of whole names → what these tensors are; files may have them, encoders not.
    """

    family: ClassVar[str] = "layouts"

    card: Literal["layout"]
    source: str = Field(min_length=10)
    known_by: list[Pattern] = Field(min_length=1, max_length=_MOST_RULES)
    parts: dict[str, Pattern] = Field(min_length=1, max_length=_MOST_RULES)
    rename: dict[Pattern, str] = Field(default_factory=dict, max_length=_MOST_RULES)
    aside: dict[Pattern, str] = Field(default_factory=dict, max_length=_MOST_RULES)

    @model_validator(mode="after")
    def _bounded_where_used(self) -> LayoutCard:
        for pattern, text in self.rename.items():
            need_replacement(pattern, text)
        for before in self.parts.values():
            need_pattern(f"{before}.*")  # the names of a part that is not meant
        return self


class DatasetFacts(Declared):
    """Promises about a dataset.

    Attributes:
        count: training images; unknown for a user's own folder until it is read.
        image: side in pixels that specs use unless they say otherwise.
        mean, std: per channel of pixels in [0, 1].
        variance: mean over channels of the pixel variance.
    """

    count: int | None = None
    heldout: int | None = None
    classes: int = 0
    image: int | None = None
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    variance: float | None = None


class DatasetCard(CardModel):
    """A dataset: what it is, never where it lies.

    Attributes:
        fingerprint: of a body written as a spec's `data`: how closely the images are looked at.
    """

    family: ClassVar[str] = "datasets"

    card: Literal["dataset"]
    impl: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    facts: DatasetFacts
    fingerprint: Fingerprint = "sample"


class AugmentationCard(CardModel):
    """The views of every group: crops and photometric steps."""

    family: ClassVar[str] = "augmentations"

    card: Literal["augmentation"]
    groups: dict[str, GroupDecl] = Field(min_length=1)


class TransformCard(CardModel):
    """A transformation family with its ranges."""

    family: ClassVar[str] = "transforms"

    card: Literal["transform"]
    impl: str
    params: dict[str, JsonValue] = Field(default_factory=dict)


class EvaluationCard(CardModel):
    """An evaluation protocol with its numbers.

    Attributes:
        data: name or body of the dataset that is judged on; None for what the spec trains on.
        controls: what stands beside the untrained encoder, read from images without any encoder.
    """

    family: ClassVar[str] = "evaluations"

    card: Literal["evaluation"]
    impl: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    data: NameOrBody | None = None
    controls: list[Literal["block-grid"]] = Field(default_factory=list[Literal["block-grid"]])


class SpeedDecl(Declared):
    """How fast one device computes in one precision.

    Attributes:
        peak_tflops: of dense matrix products, 10¹² operations per second.
        utilisation: share of the peak that trainings reach, (lowest, highest).
        evidence: whether the shares were measured or are assumed.
        source: of the shares.
    """

    peak_tflops: float = Field(gt=0)
    utilisation: Annotated[tuple[Share, Share], AfterValidator(rising)]
    evidence: Literal["measured", "assumed"]
    source: str = Field(min_length=10)


class MachineCard(CardModel):
    """What a plan could be run on, to say how long that would take; no part of any recipe.

    Attributes:
        devices: that share a batch; all cores of a CPU are one.
        memory_gib: of each device.
        speed: by precision.
    """

    family: ClassVar[str] = "machines"

    card: Literal["machine"]
    devices: int = Field(ge=1)
    memory_gib: float = Field(gt=0)
    speed: dict[Literal["fp32", "bf16"], SpeedDecl] = Field(min_length=1)


FAMILIES: Mapping[str, type[CardModel]] = MappingProxyType(
    {
        kind.family: kind
        for kind in (
            MethodCard,
            EquivarianceCard,
            BackboneCard,
            LayoutCard,
            DatasetCard,
            AugmentationCard,
            TransformCard,
            EvaluationCard,
            MachineCard,
        )
    }
)
"""Family (the folder under ``registry/``) → the model of its cards."""

BESIDE_USE = MappingProxyType({"backbones": "init", "datasets": "fingerprint"})
"""Family → the key that a spec puts beside `use`; on a card, only a body in a spec has it."""
