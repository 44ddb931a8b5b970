"""The table of places where a spec may name a card.

A new place is one row here and one field of the schema (`eqspec.spec.model`). Lookup, recipe ids,
resolved specs, origins, differences and the pages of `plan` and `explain` all follow this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import JsonValue

from eqspec.registry.cards import (
    BESIDE_USE,
    AugmentationCard,
    BackboneCard,
    CardModel,
    DatasetCard,
    EquivarianceCard,
    EvaluationCard,
    MethodCard,
    TransformCard,
)
from eqspec.spec.model import identity_fields
from eqspec.spec.node import KeyPath

EACH = "*"
"""In a slot's path: every index of a list."""


@dataclass(frozen=True, slots=True)
class CardSlot:
    """A place where a spec may name a card.

    Attributes:
        name: of the slot in recipes and messages, for example ``transform``.
        kind: of the card.
        path: of the card in a spec; `EACH` stands for every index of a list.
        under_use: whether the section at `path` has settings of its own beside the card, so that
            the card's body is found under `use`.
        within: name of the slot whose card names this one; None where the spec itself does.
    """

    name: str
    kind: type[CardModel]
    path: KeyPath
    under_use: bool = False
    within: str | None = None

    @property
    def in_recipe(self) -> bool:
        """Whether the weights depend on the card."""
        return identity_fields()[str(self.path[0])] == "weights"

    @property
    def beside(self) -> str | None:
        """The key that a spec writes beside `use` and that is not part of the card."""
        return BESIDE_USE.get(self.kind.family) if self.within is None else None

    def at(self, index: int | None) -> CardLocation:
        """The location of one card of this slot; the index is None in a slot without `EACH`."""
        if index is None:
            return CardLocation(self, self.name, self.path, self.within)
        path = tuple(index if part == EACH else part for part in self.path)
        outer = None if self.within is None else self.within.replace(EACH, str(index))
        return CardLocation(self, self.name.replace(EACH, str(index)), path, outer)

    def locations(self, spec: JsonValue) -> Iterator[CardLocation]:
        """Locations of this slot in a spec; every index of the list where the path has `EACH`."""
        if EACH not in self.path:
            yield self.at(None)
            return
        items = value_at(spec, self.path[: self.path.index(EACH)])
        for index in range(len(items) if isinstance(items, list) else 0):
            yield self.at(index)


@dataclass(frozen=True, slots=True)
class CardLocation:
    """A slot in one spec.

    Attributes:
        name: of the slot, with the index of a list: ``evaluate[0]``.
        path: of the section that names the card.
        outer: name of the location within whose card this one is named.
    """

    slot: CardSlot
    name: str
    path: KeyPath
    outer: str | None

    @property
    def body(self) -> KeyPath:
        """Path of the card's body in a resolved spec."""
        return (*self.path, "use") if self.slot.under_use else self.path


CARD_SLOTS = (
    CardSlot("data", DatasetCard, ("data",)),
    CardSlot("backbone", BackboneCard, ("backbone",)),
    CardSlot("method", MethodCard, ("method",)),
    CardSlot("equivariance", EquivarianceCard, ("equivariance",), under_use=True),
    CardSlot("transform", TransformCard, ("equivariance", "transform")),
    CardSlot("augment", AugmentationCard, ("augment",)),
    CardSlot("evaluate[*]", EvaluationCard, ("evaluate", EACH), under_use=True),
    CardSlot(
        "evaluate[*].data", DatasetCard, ("evaluate", EACH, "use", "data"), within="evaluate[*]"
    ),
)
"""Every place, a slot after the one within whose card it is named."""


def recipe_slots() -> tuple[CardSlot, ...]:
    """The slots on whose cards the weights depend."""
    return tuple(slot for slot in CARD_SLOTS if slot.in_recipe)


def all_locations(spec: JsonValue) -> Iterator[CardLocation]:
    """Locations of every slot in a spec."""
    for slot in CARD_SLOTS:
        yield from slot.locations(spec)


def location_of(path: KeyPath) -> CardLocation | None:
    """The location of the card that a spec names and whose body holds a path of the resolved spec.

    A card within another card's body counts as part of that body.
    """
    for slot in CARD_SLOTS:
        if slot.within is not None:
            continue
        index = path[slot.path.index(EACH)] if EACH in slot.path[: len(path)] else None
        if EACH in slot.path and not isinstance(index, int):
            continue
        location = slot.at(index if isinstance(index, int) else None)
        if path[: len(location.body)] == location.body:
            return location
    return None


def value_at(value: JsonValue, path: KeyPath) -> JsonValue:
    """What plain data hold at a path; None where there is nothing."""
    for key in path:
        if isinstance(value, list) and isinstance(key, int):
            value = value[key] if key < len(value) else None
        else:
            value = value.get(str(key)) if isinstance(value, dict) else None
    return value
