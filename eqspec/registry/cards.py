"""Schemas of cards, one frozen model per family. `use:` in a spec names a card."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator

from eqspec.registry.declared import Declared
from eqspec.registry.facts import BackboneFacts, DatasetFacts, DatasetPart
from eqspec.registry.grammar import (
    Addition,
    Alternative,
    EmbeddingDecl,
    InputDecl,
    ModuleDecl,
    Needs,
    Predicts,
    Recipe,
    Refusal,
    Step,
    TeacherDecl,
    TermDecl,
    ViewGroupDecl,
)
from eqspec.registry.patterns import Pattern, need_pattern, need_replacement
from eqspec.registry.view_groups import GroupDecl, Share, SharedDecl, rising
from eqspec.spec.data import Fingerprint
from eqspec.spec.initial_weights import PublishedUse
from eqspec.spec.use import BareName, NameOrBody


class CardModel(Declared):
    """Base class for the data of cards.

    Attributes:
        family: folder in ``registry/``.
        name: name of a card written inside a spec; the name of a file is its stem.
        rev: revision, raised when the numbers of the card change.
        about: one sentence, shown by `eqspec list`.
        paper: source of the numbers.
        status: proved (terms, gradients and schedules were compared with the authors' code), toy
            (runs, but not with the numbers of the paper), or ours (no paper has its numbers).
    """

    family: ClassVar[str]

    name: BareName | None = None
    rev: int = Field(ge=1)
    about: str = Field(min_length=10)
    paper: str | None = None
    notes: str | None = None
    licence: str | None = None


class MethodCard(CardModel):
    """Self-supervised method as a graph of named streams."""

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
    terms: dict[str, TermDecl]
    recipe: Recipe = Recipe()

    @model_validator(mode="after")
    def _cut_or_refusal(self) -> MethodCard:
        if (self.embedding is None) == (self.equivariance is None):
            raise ValueError(
                "a method needs either an `embedding`, "
                "or the reason why it has none: `equivariance: {refused: …}`"
            )
        return self


class EquivarianceCard(CardModel):
    """Rewrite of method graphs: what it cuts, adds, rewires and drops.

    Attributes:
        cut: `embedding` splits the embedding into ``inv`` and ``equi``; `encoder` splits the tokens
            of the encoder instead, so that the embedding and all that follows see ``inv`` alone;
            `none` leaves both whole, as ``embedded`` and ``encoded``.
        drop: terms of the method to leave out.
        shared: view group → the draws of its views that consecutive samples share.
        either: name of a choice → its alternatives; the first whose needs are met is used.
        predicts: where its predictor is, for evaluations; None for a rewrite without one.
    """

    family: ClassVar[str] = "equivariance"

    card: Literal["equivariance"]
    status: Literal["proved", "toy", "ours"] = "toy"
    needs: Needs = Needs()
    cut: Literal["embedding", "encoder", "none"] = "none"
    add: Addition = Addition()
    rewire: dict[str, str] = Field(default_factory=dict)
    drop: list[str] = Field(default_factory=list)
    shared: dict[str, SharedDecl] = Field(default_factory=dict)
    either: dict[str, Annotated[list[Alternative], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    predicts: Predicts | None = None


class BackboneCard(CardModel):
    """Encoder: an op with its sizes, and facts that contract tests verify.

    Attributes:
        init: published weights to start from; only for a card written inside a spec.
    """

    family: ClassVar[str] = "backbones"

    card: Literal["backbone"]
    impl: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    facts: BackboneFacts = BackboneFacts()
    init: PublishedUse | None = None


_MOST_RULES = 50
"""Maximum number of rules of one kind in a layout."""


class LayoutCard(CardModel):
    """Naming scheme of the tensors in a file of published weights.

    A name is the keys that lead to a tensor, joined by `/`: ``teacher/backbone.cls_token``.
    The rules are patterns (`eqspec.registry.patterns`) that convert names to those of timm, which
    eqspec's encoders use.

    Attributes:
        source: code in which the names were found.
        known_by: patterns that identify the layout; each must match a whole name in the file.
        parts: network in the file → prefix of the names of its encoder; the first network found in
            the file is used unless the spec selects another.
        rename: pattern in the names of an encoder → replacement, applied in order.
        aside: pattern of whole names → description of tensors that are not part of the encoder.
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
            need_pattern(f"{before}.*")  # matches the names of a part that is not selected
        return self


class DatasetCard(CardModel):
    """Dataset: its op, parameters and facts, but not its location.

    Attributes:
        parts: further parts by name, such as one without labels; `with: {part: NAME}` chooses one.
        fingerprint: how thoroughly the images are hashed; only for a card written inside a spec.
        held_back: share of the files that training leaves out, to choose numbers on.
    """

    family: ClassVar[str] = "datasets"

    card: Literal["dataset"]
    impl: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    facts: DatasetFacts
    parts: dict[str, DatasetPart] = Field(default_factory=dict)
    fingerprint: Fingerprint = "sample"
    held_back: float = Field(0.0, ge=0, lt=1)


class AugmentationCard(CardModel):
    """Augmentation: crops and photometric steps of the views of every group."""

    family: ClassVar[str] = "augmentations"

    card: Literal["augmentation"]
    groups: dict[str, GroupDecl] = Field(min_length=1)


class TransformCard(CardModel):
    """Transform family with its ranges."""

    family: ClassVar[str] = "transforms"

    card: Literal["transform"]
    impl: str
    params: dict[str, JsonValue] = Field(default_factory=dict)


class EvaluationCard(CardModel):
    """Evaluation protocol with its numbers.

    Attributes:
        data: name or body of the dataset to evaluate on; None for the training dataset.
        controls: controls evaluated next to the untrained encoder, on images without any encoder.
    """

    family: ClassVar[str] = "evaluations"

    card: Literal["evaluation"]
    impl: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    data: NameOrBody | None = None
    controls: list[Literal["block-grid"]] = Field(default_factory=list[Literal["block-grid"]])


class SpeedDecl(Declared):
    """Speed of one device in one precision.

    Attributes:
        peak_tflops: peak rate of dense matrix products in 10¹² operations per second.
        utilisation: share of the peak reached in training, (lowest, highest).
        evidence: whether the utilisation was measured or is assumed.
    """

    peak_tflops: float = Field(gt=0)
    utilisation: Annotated[tuple[Share, Share], AfterValidator(rising)]
    evidence: Literal["measured", "assumed"]
    source: str = Field(min_length=10)


class MachineCard(CardModel):
    """Machine for which `eqspec plan --on` estimates the training time; not part of a recipe.

    Attributes:
        devices: number of devices that share a batch; all cores of a CPU count as one.
        memory_gib: memory of each device in GiB.
        speed: speed of a device by precision.
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
