"""Origin of each value of a resolved spec: a line of the spec, a `--set`, a card, a default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from eqspec.compile.lookup.card_slots import location_of
from eqspec.compile.lookup.op_calls import is_absent
from eqspec.compile.lookup.resolve import Resolved
from eqspec.errors import Location
from eqspec.registry.catalog import Card
from eqspec.spec.node import KeyPath, Node
from eqspec.spec.source import Source

Kind = Literal["spec", "set", "card", "default", "computed"]


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a value.

    Attributes:
        kind: set in the spec, by `--set` or on a card, the schema's default, or computed.
        text: the same in words that do not depend on the location of the registry.
        place: its location, where it has one.
    """

    kind: Kind
    text: str
    location: Location | None = None

    def __str__(self) -> str:
        return self.text


DEFAULT = Origin("default", "default of the schema")


def origins(resolved: Resolved, data: Mapping[str, JsonValue]) -> dict[KeyPath, Origin]:
    """The origin of every leaf of the resolved spec.

    Args:
        data: the resolved spec, from `eqspec.compile.resolved_spec`.
    """
    return {path: origin(resolved, path) for path in leaves(dict(data))}


def origin(resolved: Resolved, path: KeyPath) -> Origin:
    """Return the origin of the value at a path of the resolved spec."""
    location = location_of(path)
    card = None if location is None else resolved.lookup.cards.get(location.name)
    if location is None or card is None:
        return spec_origin(resolved, path)
    inner = path[len(location.body) :]
    if inner and inner[0] == location.slot.beside:  # in the spec, not on the card
        return spec_origin(resolved, path)
    return card_origin(resolved.source, card, inner, at=location.body)


def spec_origin(resolved: Resolved, path: KeyPath) -> Origin:
    """Return the origin of a value of the spec itself, not of a card."""
    if path == ("image",):
        return _image(resolved)
    node, depth = _deepest(resolved.source, path)
    if depth == len(path) or not isinstance(node.value, Mapping):
        return _written(node.location, spec=resolved.source)
    return DEFAULT


def card_origin(spec: Source, card: Card, inner: KeyPath, *, at: KeyPath) -> Origin:
    """Return the origin of a value of a card, `with:` and `--set` applied.

    Args:
        at: path of the card in the spec.
    """
    node, depth = _deepest(card.source, inner)
    if depth == 0:  # only the name, which the body does not repeat
        return _written(spec.value(at), spec=spec)
    return _written(node.location, spec=spec, card=card)


def leaves(value: JsonValue, above: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the paths of all leaves."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*above, key))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for index, item in enumerate(value):
            yield from leaves(item, (*above, index))
    else:
        yield above


def _image(resolved: Resolved) -> Origin:
    """The spec's, else the data's, else the paper's."""
    written = resolved.source.get(("image",))
    if written is not None and written.value is not None:
        return _written(written.location, spec=resolved.source)
    data = resolved.lookup.own_data
    if data is not None and not is_absent(data.source, ("facts", "image")):
        return _written(data.source.value(("facts", "image")), spec=resolved.source, card=data)
    return Origin("computed", "computed: neither the spec nor the dataset states a size")


def _deepest(source: Source, path: KeyPath) -> tuple[Node, int]:
    """The last node on a path that exists, and its depth."""
    for depth in range(len(path), -1, -1):
        node = source.get(path[:depth])
        if node is not None:
            return node, depth
    raise AssertionError("the root is always there")


def _written(location: Location, *, spec: Source, card: Card | None = None) -> Origin:
    if location.file.startswith("<cli>:"):
        return Origin(
            "set", f"{location.file.removeprefix('<cli>:')} ({location.excerpt})", location
        )
    if location.file == spec.name or card is None:
        return Origin("spec", f"{location.file}:{location.line}", location)
    return Origin("card", f"card {card.family}/{card.name}:{location.line}", location)
