"""What differs between two resolved specs, and what each difference matters for. Pure.

The rules are those of the ids (`eqspec.compile.identity`): the same leaves are left out, so that
two specs whose `WEIGHTS` leaves and ops agree have one recipe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pydantic import JsonValue, ValidationError

from eqspec.compile.identity import hashed, told_of
from eqspec.ops.find import find_dataset, op_names
from eqspec.ops.op import how_it_runs_fields
from eqspec.registry.cards import FAMILIES
from eqspec.spec.model import Spec, identity_fields
from eqspec.spec.node import KeyPath, dotted

CARD_PLACES: Mapping[KeyPath, str] = MappingProxyType(
    {
        ("data",): "datasets",
        ("backbone",): "backbones",
        ("method",): "methods",
        ("augment",): "augmentations",
        ("equivariance", "use"): "equivariance",
        ("equivariance", "transform"): "transforms",
    }
)
"""Where a resolved spec holds the body of a card, and of which family."""

_JUDGED = "evaluate"
_STARTS: tuple[KeyPath, ...] = (("init_from",), ("backbone", "init"))
_NO_NUMBERS = ("weights", "partial")
"""Of weights to start from, the recipe knows the hash and the part, not where they lie."""

_NAMED = ("data", "name")  # of a dataset, the name is part of the recipe


class Matters(StrEnum):
    """What a difference can change."""

    WEIGHTS = "weights"
    JUDGING = "judging"
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
        """The path as a person writes it."""
        return dotted(self.path)


def spec_changes(a: Mapping[str, JsonValue], b: Mapping[str, JsonValue]) -> tuple[Change, ...]:
    """Every leaf in which two resolved specs differ, what changes the weights first.

    Neutral values count as not written, and null as absent. A list without mappings is one leaf;
    so is a card where another one stands.

    Args:
        a, b: as `eqspec.compile.resolved_spec` makes them; those of an older schema will do.
    """
    all_a, all_b = _filled(a, b)
    leaves_a, leaves_b = dict(leaves(all_a)), dict(leaves(all_b))
    paths = dict.fromkeys([*leaves_a, *leaves_b])
    pairs = ((path, leaves_a.get(path), leaves_b.get(path)) for path in paths)
    free = _how_it_runs(all_a) | _how_it_runs(all_b)
    found = [Change(p, x, y, _matters(p, free)) for p, x, y in pairs if _differ(x, y)]
    for place in (("equivariance",), *CARD_PLACES):
        found = _as_cards(found, place, a=_name_at(all_a, place), b=_name_at(all_b, place))
    order = list(Matters)
    return tuple(sorted(found, key=lambda change: order.index(change.matters)))


def _as_cards(found: list[Change], place: KeyPath, *, a: JsonValue, b: JsonValue) -> list[Change]:
    """One difference in place of all those within two cards of other names."""
    inside = [c for c in found if c.path[: len(place)] == place]
    if a is None or b is None or a == b or all(c.matters is Matters.NOTHING for c in inside):
        return found
    first = found.index(inside[0])
    count = sum(c.matters is not Matters.NOTHING for c in inside)
    rest = [c for c in found if c not in inside]
    return [*rest[:first], Change(place, a, b, Matters.WEIGHTS, inside=count), *rest[first:]]


def _name_at(spec: JsonValue, place: KeyPath) -> JsonValue:
    """The name of what stands at a place: of a card, or of a whole section such as `none`."""
    spec = _at(spec, place)
    if place == ("equivariance",) and isinstance(spec, dict):
        spec = spec.get("use")
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
    for (*above, last), family in CARD_PLACES.items():
        holders = _at(left, tuple(above)), _at(right, tuple(above))
        bodies = tuple(_at(holder, (last,)) for holder in holders)
        numbers = tuple(_numbers(body, family=family) for body in bodies)
        if all((new is None) == (body is None) for new, body in zip(numbers, bodies, strict=True)):
            for holder, body in zip(holders, numbers, strict=True):
                if isinstance(holder, dict) and body is not None:
                    holder[str(last)] = body
    return left, right


def _at(value: JsonValue, path: KeyPath) -> JsonValue:
    for key in path:
        if isinstance(value, list) and isinstance(key, int):
            value = value[key]
        else:
            value = value.get(str(key)) if isinstance(value, dict) else None
    return value


def _numbers(body: JsonValue, *, family: str) -> dict[str, JsonValue] | None:
    """A card's body without the values that it need not have written; None for no legal card."""
    try:
        model = FAMILIES[family].model_validate(body)
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
    """Paths of the parameters of datasets on which no number depends."""
    judged = spec.get(_JUDGED)
    count = len(judged) if isinstance(judged, list) else 0
    places: list[KeyPath] = [("data",), *((_JUDGED, i, "use", "data") for i in range(count))]
    return frozenset(path for place in places for path in _free(_at(spec, place), place))


def _free(body: JsonValue, place: KeyPath) -> Iterator[KeyPath]:
    impl = body.get("impl") if isinstance(body, dict) else None
    if isinstance(impl, str) and impl in op_names("datasets"):
        for name in how_it_runs_fields(find_dataset(impl).Params):
            yield (*place, "params", name)


def _matters(path: KeyPath, free: frozenset[KeyPath]) -> Matters:
    if any(path[: len(one)] == one for one in free):
        return Matters.NOTHING
    if path[0] == _JUDGED:
        return Matters.NOTHING if _told_of_judging(path) else Matters.JUDGING
    how = identity_fields().get(str(path[0])) == "how"
    lies = any(
        path[: len(at)] == at and path[len(at)] in _NO_NUMBERS for at in _STARTS if path != at
    )
    return Matters.NOTHING if how or lies or _told(path) else Matters.WEIGHTS


def _told_of_judging(path: KeyPath) -> bool:
    """Whether a leaf of an evaluation is only told; its name is part of its id."""
    told = path[2:3] == ("use",) and path[3:4] in _keys("evaluations")
    return told and path[3:4] != ("name",)


def _told(path: KeyPath) -> bool:
    """Whether a leaf is one that a card only tells."""
    return path != _NAMED and any(
        path[: len(place)] == place and path[len(place) : len(place) + 1] in _keys(family)
        for place, family in CARD_PLACES.items()
    )


def _keys(family: str) -> frozenset[tuple[str]]:
    return frozenset((key,) for key in told_of(family))
