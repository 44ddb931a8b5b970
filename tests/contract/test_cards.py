"""Every card in the registry: it loads, its op takes its parameters, and its promises are true."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.commands.plans import plan_spec
from eqspec.ops.find import find_op
from eqspec.registry.cards import FAMILIES, BackboneCard, MethodCard
from eqspec.registry.catalog import Card, open_catalog
from eqspec.registry.places import specs_root
from tests.toys import SMALL, toy_plan

CATALOG = open_catalog()
CARDS = [CATALOG.card(family, name) for family in FAMILIES for name in CATALOG.names(family)]
OP_FAMILIES = ("backbones", "datasets", "transforms")


def of(family: str) -> list[Card]:
    """All cards of a family."""
    return [card for card in CARDS if card.family == family]


def named(card: Card) -> str:
    """The card's place in the registry."""
    return f"{card.family}/{card.name}"


@pytest.mark.parametrize("card", CARDS, ids=named)
def test_a_card_says_in_a_sentence_what_it_is(card: Card) -> None:
    assert card.model.about[0].isupper()
    assert card.model.about.endswith(".")
    assert "\n" not in card.model.about


@pytest.mark.parametrize("card", [c for c in CARDS if c.family in OP_FAMILIES], ids=named)
def test_the_op_takes_the_cards_parameters(card: Card) -> None:
    op = find_op(card.family, str(card.body["impl"]))
    params = op.Params.model_validate(card.body.get("params", {}))
    assert op.Params.model_validate(params.model_dump(mode="json", by_alias=True)) == params


@pytest.mark.parametrize("card", of("backbones"), ids=named)
def test_a_backbones_facts_are_true(card: Card) -> None:
    model = card.model
    assert isinstance(model, BackboneCard)
    body = str({"use": card.name}).replace("'", "")
    plan = toy_plan("vicreg", backbone=body)
    encoder = next(m for m in plan.graph.modules if m.family == "backbones")
    assert encoder.output.size("D") == model.facts["width"]


@pytest.mark.parametrize("card", of("methods"), ids=named)
def test_a_methods_own_augmentation_has_its_view_groups(card: Card) -> None:
    model = card.model
    assert isinstance(model, MethodCard)
    assert model.recipe.augment is not None
    augment = CATALOG.card("augmentations", model.recipe.augment)
    assert set(model.views) <= set(augment.body["groups"])


def test_every_method_is_tried_at_toy_size() -> None:
    assert set(SMALL) == set(CATALOG.names("methods"))


@pytest.mark.parametrize("spec", sorted(specs_root().rglob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_spec_compiles(spec: Path) -> None:
    planned = plan_spec(spec)
    assert planned.plan.train.steps > 0
    assert not planned.warnings
