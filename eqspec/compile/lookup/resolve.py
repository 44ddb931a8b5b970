"""A validated spec joined with the cards that it names: no name is left to look up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from eqspec.compile.lookup.alternatives import carried_out
from eqspec.compile.lookup.look_up import Lookup
from eqspec.errors import SpecError
from eqspec.registry.cards import (
    AugmentationCard,
    BackboneCard,
    DatasetCard,
    EquivarianceCard,
    EvaluationCard,
    MethodCard,
    TransformCard,
)
from eqspec.registry.catalog import Card
from eqspec.registry.grammar import Recipe
from eqspec.spec.data import DataUse, Fingerprint
from eqspec.spec.initial_weights import BackboneUse, PublishedWeights
from eqspec.spec.model import Evaluation, Spec, TrainSpec
from eqspec.spec.source import Source
from eqspec.spec.use import RecipeCall

DEFAULT_IMAGE = 224
"""Side in pixels where neither the spec nor the dataset states one; the paper's."""


@dataclass(frozen=True, slots=True)
class ResolvedEvaluation:
    """An evaluation with its protocol and its data.

    Attributes:
        name: of its location in the spec: ``evaluate[0]``.
        asked: the spec's entry.
        card: the protocol's.
        data: card of the dataset that it reads.
        params: of its op, transforms by value.
    """

    name: str
    asked: Evaluation
    card: Card
    data: Card
    params: Mapping[str, JsonValue]

    @property
    def model(self) -> EvaluationCard:
        """The protocol's card."""
        return self.card.of(EvaluationCard).model


@dataclass(frozen=True, slots=True)
class Resolved:
    """A spec with the cards that it names, ready to be planned.

    Attributes:
        name: of the spec, without folder and suffix.
        spec: optimizer and schedule whole, where the spec states only changes to the recipe's.
        lookup: the cards and ops that it names, all of them legal.
        image: side of the global views in pixels.
        evaluations: in the order of the spec.
    """

    name: str
    spec: Spec
    lookup: Lookup
    image: int
    evaluations: tuple[ResolvedEvaluation, ...]

    @property
    def source(self) -> Source:
        """The text of the spec."""
        return self.lookup.source

    @property
    def cards(self) -> dict[str, Card]:
        """The cards on which the weights depend, by the name of their slot.

        ``data``, ``backbone`` and, where something is trained, ``method``, ``augment`` and, with a
        rewrite, ``equivariance`` and, where the spec names one, ``transform``.
        """
        return {
            name: used.card
            for name, used in self.lookup.used.items()
            if used.location.slot.in_recipe
        }

    @property
    def train(self) -> TrainSpec:
        """The section `train` of a spec that has one."""
        assert self.spec.train is not None, "a spec that trains"
        return self.spec.train

    @property
    def published(self) -> PublishedWeights | None:
        """The published weights that the encoder starts from, as the spec names them."""
        named = self.spec.backbone
        written = named.init if isinstance(named, BackboneUse) else self.backbone.init
        return PublishedWeights(weights=written) if isinstance(written, str) else written

    @property
    def fingerprint(self) -> Fingerprint:
        """Which training images are hashed when a run starts: a sample, or all."""
        named = self.spec.data
        return named.fingerprint if isinstance(named, DataUse) else self.data.fingerprint

    @property
    def method(self) -> MethodCard:
        """The method's card; only of a spec that trains."""
        return self.cards["method"].of(MethodCard).model

    @property
    def backbone(self) -> BackboneCard:
        """The backbone's card."""
        return self.cards["backbone"].of(BackboneCard).model

    @property
    def data(self) -> DatasetCard:
        """The dataset's card."""
        return self.cards["data"].of(DatasetCard).model

    @property
    def augment(self) -> AugmentationCard:
        """The augmentation's card."""
        return self.cards["augment"].of(AugmentationCard).model

    @property
    def equivariance(self) -> EquivarianceCard | None:
        """The rewrite's card, if there is one."""
        card = self.cards.get("equivariance")
        return None if card is None else card.of(EquivarianceCard).model

    @property
    def rewrite(self) -> EquivarianceCard | None:
        """The rewrite with its alternatives chosen for the method.

        Raises:
            GraphError: when the method refuses it or lacks what it needs.
        """
        card = self.equivariance
        return None if card is None else carried_out(card, self.method)

    @property
    def transform(self) -> TransformCard | None:
        """The transform between the views, if there is one."""
        card = self.cards.get("transform")
        return None if card is None else card.of(TransformCard).model


def resolve(lookup: Lookup, spec: Spec, *, name: str) -> Resolved:
    """The spec with everything that was looked up for it.

    Args:
        lookup: of the text that the spec was validated from.

    Raises:
        SpecError: with everything that is wrong with its cards and ops.
    """
    if lookup.problems:
        raise SpecError(lookup.problems)
    method = lookup.cards.get("method")
    if method is not None:
        spec = _over_recipe(spec, method.of(MethodCard).model.recipe)
    assert lookup.own_data is not None, "a legal spec names its data"
    own_size = lookup.own_data.of(DatasetCard).model.facts.image
    evaluations = tuple(
        ResolvedEvaluation(
            name=(called := f"evaluate[{index}]"),
            asked=asked,
            card=lookup.cards[called],
            data=lookup.cards[f"{called}.data"],
            params=lookup.calls[called].given,
        )
        for index, asked in enumerate(spec.evaluate)
    )
    return Resolved(
        name=name,
        spec=spec,
        lookup=lookup,
        image=spec.image or own_size or DEFAULT_IMAGE,
        evaluations=evaluations,
    )


def _over_recipe(spec: Spec, recipe: Recipe) -> Spec:
    """The spec with its optimizer and schedule whole, where it states only changes to them."""
    if spec.train is None:
        return spec
    whole: dict[str, RecipeCall] = {}
    for key, own in (("optimizer", recipe.optimizer), ("schedule", recipe.schedule)):
        written: RecipeCall | None = getattr(spec.train, key)
        laid = None if written is None else written.over(own)
        if laid is not None:
            whole[key] = laid
    return spec.model_copy(update={"train": spec.train.model_copy(update=whole)})
