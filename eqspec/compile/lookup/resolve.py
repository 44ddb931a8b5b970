"""Spec + catalogue → everything by value: every name expanded, every default filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from pydantic import JsonValue

from eqspec.compile.lookup.alternatives import carried_out
from eqspec.compile.lookup.cards import card_in_use
from eqspec.compile.lookup.evaluation_data import judged_data
from eqspec.compile.lookup.survey import with_transforms
from eqspec.errors import Diagnostic, SpecError
from eqspec.registry.cards import (
    AugmentationCard,
    BackboneCard,
    CardModel,
    DatasetCard,
    EquivarianceCard,
    EvaluationCard,
    MethodCard,
    TransformCard,
)
from eqspec.registry.catalog import Card, Catalog, UnknownCard
from eqspec.spec.checkpoints import BackboneUse, PublishedWeights, as_published
from eqspec.spec.data import DataUse, Fingerprint
from eqspec.spec.model import Evaluation, Spec, TrainSpec
from eqspec.spec.node import KeyPath
from eqspec.spec.source import Source
from eqspec.spec.use import OpCall, RecipeCall

CardT = TypeVar("CardT", bound=CardModel)

DEFAULT_IMAGE = 224
"""Side in pixels where neither the spec nor the data says another; what the paper uses."""


@dataclass(frozen=True, slots=True)
class ResolvedEvaluation:
    """An evaluation with its protocol and its data."""

    asked: Evaluation
    card: Card
    data: Card
    params: dict[str, JsonValue]

    @property
    def model(self) -> EvaluationCard:
        """The protocol's card."""
        assert isinstance(self.card.model, EvaluationCard), "read as one"
        return self.card.model


@dataclass(frozen=True, slots=True)
class Resolved:
    """A spec with the cards that it names, ready to be planned.

    Attributes:
        name: of the spec, without folder and suffix.
        image: side of the global views in pixels.
        cards: by the place of the spec: ``backbone``, ``data`` and, where something is trained,
            ``method``, ``augment`` and, with a rewrite, ``equivariance`` and, where the spec names
            one, ``transform``.
    """

    name: str
    spec: Spec
    source: Source
    image: int
    cards: dict[str, Card]
    evaluations: tuple[ResolvedEvaluation, ...]

    @property
    def train(self) -> TrainSpec:
        """How it is trained; only of a spec that trains."""
        assert self.spec.train is not None, "asked of a spec that trains"
        return self.spec.train

    @property
    def published(self) -> PublishedWeights | None:
        """The published weights that the encoder starts from, as they are named."""
        named = self.spec.backbone
        written = named.init if isinstance(named, BackboneUse) else self.backbone.init
        return None if written is None else as_published(written)

    @property
    def fingerprint(self) -> Fingerprint:
        """How closely the training images are looked at."""
        named = self.spec.data
        return named.fingerprint if isinstance(named, DataUse) else self.data.fingerprint

    @property
    def method(self) -> MethodCard:
        """The method's card; only of a spec that trains."""
        return _model(self.cards["method"], MethodCard)

    @property
    def backbone(self) -> BackboneCard:
        """The backbone's card."""
        return _model(self.cards["backbone"], BackboneCard)

    @property
    def data(self) -> DatasetCard:
        """The dataset's card."""
        return _model(self.cards["data"], DatasetCard)

    @property
    def augment(self) -> AugmentationCard:
        """The augmentation's card."""
        return _model(self.cards["augment"], AugmentationCard)

    @property
    def equivariance(self) -> EquivarianceCard | None:
        """The rewrite's card, if there is one."""
        card = self.cards.get("equivariance")
        return None if card is None else _model(card, EquivarianceCard)

    @property
    def rewrite(self) -> EquivarianceCard | None:
        """The rewrite as it is carried out on the method, with no alternatives left.

        Raises:
            GraphError: when the method refuses it or lacks what it needs.
        """
        card = self.equivariance
        return None if card is None else carried_out(card, self.method)

    @property
    def transform(self) -> TransformCard | None:
        """The transform between the views, if there is one."""
        card = self.cards.get("transform")
        return None if card is None else _model(card, TransformCard)


def _wanted(spec: Spec) -> list[tuple[str, KeyPath, str]]:
    """Place of each card that the spec names, where it is named, and its family."""
    wanted: list[tuple[str, KeyPath, str]] = [
        ("data", ("data",), "datasets"),
        ("backbone", ("backbone",), "backbones"),
    ]
    if spec.method is not None:
        wanted.append(("method", ("method",), "methods"))
    if spec.equivariance != "none":
        wanted.append(("equivariance", ("equivariance",), "equivariance"))
        if spec.equivariance.transform is not None:
            wanted.append(("transform", ("equivariance", "transform"), "transforms"))
    if spec.augment is not None:
        wanted.append(("augment", ("augment",), "augmentations"))
    return wanted


def resolve(spec: Spec, *, source: Source, catalog: Catalog, name: str) -> Resolved:
    """Looks up every card that the spec names.

    Raises:
        SpecError: with every name that does not exist and every override that does not fit.
    """
    wanted = _wanted(spec)
    cards: dict[str, Card] = {}
    problems: list[Diagnostic] = []
    for place, path, family in wanted:
        try:
            cards[place] = card_in_use(catalog, source, path, family=family)
        except SpecError as error:
            problems.extend(error.diagnostics)
    evaluations = _evaluations(
        spec, source=source, catalog=catalog, data=cards.get("data"), problems=problems
    )
    if problems:
        raise SpecError(tuple(problems))
    if spec.augment is None and "method" in cards:
        cards["augment"] = _recipe_augment(cards["method"], source=source, catalog=catalog)
    if "method" in cards:
        spec = _over_recipe(spec, _model(cards["method"], MethodCard), source=source)
    data = _model(cards["data"], DatasetCard)
    image = spec.image or data.facts.image or DEFAULT_IMAGE
    return Resolved(
        name=name, spec=spec, source=source, image=image, cards=cards, evaluations=evaluations
    )


def _over_recipe(spec: Spec, method: MethodCard, *, source: Source) -> Spec:
    """The spec with its optimizer and schedule whole, where it says only what is other in them.

    Raises:
        SpecError: when the recipe has none that values could be laid over.
    """
    if spec.train is None:
        return spec
    whole: dict[str, RecipeCall] = {}
    for key in ("optimizer", "schedule"):
        written: RecipeCall | None = getattr(spec.train, key)
        recipe = getattr(method.recipe, key)
        if written is None:
            continue
        laid = written.over(recipe if isinstance(recipe, OpCall) else None)
        if laid is None:
            place = source.value(("train", key))
            message = f"missing key `impl`: the method has no {key} of its own"
            raise SpecError((Diagnostic("EQ002", message, place, help="add `impl:`"),))
        whole[key] = laid
    return spec.model_copy(update={"train": spec.train.model_copy(update=whole)})


def _evaluations(
    spec: Spec, *, source: Source, catalog: Catalog, data: Card | None, problems: list[Diagnostic]
) -> tuple[ResolvedEvaluation, ...]:
    found: list[ResolvedEvaluation] = []
    for at, asked in enumerate(spec.evaluate):
        try:
            card = card_in_use(catalog, source, ("evaluate", at), family="evaluations")
            written = _model(card, EvaluationCard).params
            params = {k: with_transforms(v, catalog) for k, v in written.items()}
            judged = None if data is None else judged_data(card, catalog, own=data)
        except SpecError as error:
            problems.extend(error.diagnostics)
            continue
        except UnknownCard as error:
            place = source.value(("evaluate", at))
            problems.append(Diagnostic("EQ010", error.message, place=place, help=error.help))
            continue
        if judged is not None:
            found.append(ResolvedEvaluation(asked=asked, card=card, data=judged, params=params))
    return tuple(found)


def _recipe_augment(method: Card, *, source: Source, catalog: Catalog) -> Card:
    name = _model(method, MethodCard).recipe.augment
    if name is None:
        raise SpecError(
            (
                Diagnostic(
                    "EQ002",
                    f"`{method.name}` has no augmentation of its own",
                    place=source.key(("method",)),
                    help="add `augment: {use: …}`",
                ),
            )
        )
    return catalog.card(AugmentationCard, name)


def _model(card: Card, kind: type[CardT]) -> CardT:
    assert isinstance(card.model, kind), "read with this family's model"
    return card.model
