"""Differences between two resolved specs, and what each of them can change. Pure.

The rules are those of the ids (`eqspec.compile.identity`): the same leaves are left out, so that
two specs whose `WEIGHTS` leaves and ops agree have one recipe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue, ValidationError

from eqspec.compile.identity import descriptive_keys, hashed
from eqspec.compile.lookup.card_slots import all_locations, location_of, recipe_slots, value_at
from eqspec.ops.find import find_dataset, op_names
from eqspec.ops.op import how_it_runs_fields
from eqspec.registry.cards import CardModel, DatasetCard
from eqspec.spec.model import Spec, identity_fields
from eqspec.spec.node import KeyPath, dotted

_EVALUATE = "evaluate"
_CARDS = tuple(slot.at(None) for slot in recipe_slots())
"""Locations of the cards on which the weights depend."""

_STARTS: tuple[KeyPath, ...] = (("init_from",), ("backbone", "init"))
_NO_NUMBERS = ("weights", "partial")
"""Keys of initial weights that are not part of a recipe, unlike hash and part."""

_NAME_COUNTS = ("data", "evaluate[*]")
"""Slots whose card's name is part of an id: of the recipe, or of the evaluation."""


class Matters(StrEnum):
    """What a difference can change: the weights, an evaluation, or nothing."""

    WEIGHTS = "weights"
    EVALUATION = "evaluation"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Change:
    """One leaf in which two specs differ.

    Attributes:
        path: keys of the resolved spec, from the top.
        a, b: the leaf's values; None where it is not there, or null, which is the same. Where
            another card stands there, the names of the two.
        inside: leaves that matter in which the two cards differ; 0 for a leaf.
    """

    path: KeyPath
    a: JsonValue
    b: JsonValue
    matters: Matters
    inside: int = 0

    @property
    def dotted(self) -> str:
        """The path with dots."""
        return dotted(self.path)


def spec_changes(a: Mapping[str, JsonValue], b: Mapping[str, JsonValue]) -> tuple[Change, ...]:
    """Return every leaf in which two resolved specs differ, those that change the weights first.

    Neutral values and null count as absent. A list without mappings is one leaf;
    so is a card that another one replaces.

    Args:
        a, b: from `eqspec.compile.resolved_spec`, also of an older schema.
    """
    all_a, all_b = _filled(a, b)
    leaves_a, leaves_b = dict(leaves(all_a)), dict(leaves(all_b))
    paths = dict.fromkeys([*leaves_a, *leaves_b])
    pairs = ((path, leaves_a.get(path), leaves_b.get(path)) for path in paths)
    free = _how_it_runs(all_a) | _how_it_runs(all_b)
    found = [Change(p, x, y, _matters(p, free)) for p, x, y in pairs if _differ(x, y)]
    for path in dict.fromkeys(path for card in _CARDS for path in (card.path, card.body)):
        found = _as_cards(found, path, a=_name_at(all_a, path), b=_name_at(all_b, path))
    order = list(Matters)
    return tuple(sorted(found, key=lambda change: order.index(change.matters)))


def _as_cards(found: list[Change], place: KeyPath, *, a: JsonValue, b: JsonValue) -> list[Change]:
    """Merge the differences inside two cards of different names into one."""
    inside = [c for c in found if c.path[: len(place)] == place]
    if a is None or b is None or a == b or all(c.matters is Matters.NOTHING for c in inside):
        return found
    first = found.index(inside[0])
    count = sum(c.matters is not Matters.NOTHING for c in inside)
    rest = [c for c in found if c not in inside]
    return [*rest[:first], Change(place, a, b, Matters.WEIGHTS, inside=count), *rest[first:]]


def _name_at(spec: JsonValue, place: KeyPath) -> JsonValue:
    """The name of a card, or the value of a section such as `none`."""
    spec = value_at(spec, place)
    if isinstance(spec, dict) and "use" in spec:
        spec = spec["use"]
    return spec.get("name") if isinstance(spec, dict) else spec


def _differ(a: JsonValue, b: JsonValue) -> bool:
    """By the canonical form of ids: 1 and 1.0 are one value, 1 and true are not."""
    return hashed({"value": a}) != hashed({"value": b})


def _filled(
    a: Mapping[str, JsonValue], b: Mapping[str, JsonValue]
) -> tuple[dict[str, JsonValue], dict[str, JsonValue]]:
    """Both with defaults of the schema filled in, and neutral values of cards left out.

    What one of them has that is not legal here, since another version of eqspec wrote it, is left
    as it stands in both.
    """
    try:
        specs = [Spec.model_validate(dict(one)) for one in (a, b)]
        left, right = (one.model_dump(mode="json", by_alias=True) for one in specs)
    except ValidationError:
        left, right = (deepcopy(dict(one)) for one in (a, b))
    for card in _CARDS:
        *above, last = card.body
        holders = value_at(left, tuple(above)), value_at(right, tuple(above))
        bodies = tuple(value_at(holder, (last,)) for holder in holders)
        numbers = tuple(_numbers(body, kind=card.slot.kind) for body in bodies)
        if all((new is None) == (body is None) for new, body in zip(numbers, bodies, strict=True)):
            for holder, body in zip(holders, numbers, strict=True):
                if isinstance(holder, dict) and body is not None:
                    holder[str(last)] = body
    return left, right


def _numbers(body: JsonValue, *, kind: type[CardModel]) -> dict[str, JsonValue] | None:
    """A card's body without values that equal their default; None where it is not legal."""
    try:
        model = kind.model_validate(body)
    except ValidationError:
        return None
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def leaves(value: JsonValue, path: KeyPath = ()) -> Iterator[tuple[KeyPath, JsonValue]]:
    """(path, value) of everything that is no mapping, no list of mappings, and not null."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        for at, inner in enumerate(value):
            yield from leaves(inner, (*path, at))
    elif value is not None:
        yield path, value


def _how_it_runs(spec: dict[str, JsonValue]) -> frozenset[KeyPath]:
    """Paths of the parameters of datasets that cannot change a result."""
    bodies = [card.body for card in all_locations(spec) if card.slot.kind is DatasetCard]
    return frozenset(path for body in bodies for path in _free(value_at(spec, body), body))


def _free(body: JsonValue, place: KeyPath) -> Iterator[KeyPath]:
    impl = body.get("impl") if isinstance(body, dict) else None
    if isinstance(impl, str) and impl in op_names("datasets"):
        for name in how_it_runs_fields(find_dataset(impl).Params):
            yield (*place, "params", name)


def _matters(path: KeyPath, free: frozenset[KeyPath]) -> Matters:
    if any(path[: len(one)] == one for one in free) or _is_description(path):
        return Matters.NOTHING
    if path[0] == _EVALUATE:
        return Matters.EVALUATION
    how = identity_fields().get(str(path[0])) == "how"
    elsewhere = any(
        path[: len(at)] == at and path[len(at)] in _NO_NUMBERS for at in _STARTS if path != at
    )
    return Matters.NOTHING if how or elsewhere else Matters.WEIGHTS


def _is_description(path: KeyPath) -> bool:
    """Whether a leaf is a key of a card on which no id depends."""
    card = location_of(path)
    if card is None:
        return False
    key = path[len(card.body) :][:1]
    if key == ("name",) and card.slot.name in _NAME_COUNTS:
        return False
    return any(key == (name,) for name in descriptive_keys(card.slot.kind.family))
