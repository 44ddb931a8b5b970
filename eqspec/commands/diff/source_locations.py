"""Locations of the values of a resolved spec: at their own path, or under a `with:`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from eqspec.compile.lookup.card_slots import location_of
from eqspec.compile.lookup.overrides import override_paths
from eqspec.errors import Location, SpecError
from eqspec.registry.cards import CardModel
from eqspec.registry.catalog import Card, check_card
from eqspec.spec.node import Entry, KeyPath, Node, plain
from eqspec.spec.source import Source


@dataclass(frozen=True, slots=True)
class SpecSources:
    """A spec and its resolved form.

    Attributes:
        source: the spec.
        resolved: the resolved spec.
    """

    source: Source
    resolved: Source

    def location(self, path: KeyPath, value: JsonValue) -> Location | None:
        """Return the location of a value of the resolved spec; None if the spec lacks it.

        Args:
            value: of the resolved spec: a line with a different value (replaced by `--set` or
                `compare:`) is not its location.
        """
        for node in self._spots(path):
            if plain(node) == value:
                return node.location
        return None

    def _spots(self, path: KeyPath) -> Iterator[Node]:
        for spot in (path, (*path, "use")):
            node = self.source.get(spot)
            if node is not None:
                yield node
        location = location_of(path)
        if location is None or location.body == path:
            return
        card = self._card(location.body, location.slot.kind)
        given = self.source.get((*location.path, "with"))
        if card is not None and given is not None and isinstance(given.value, Mapping):
            yield from _overrides(given.value, card, path[len(location.body) :])

    def _card(self, above: KeyPath, kind: type[CardModel]) -> Card | None:
        body = self.resolved.get(above)
        if body is None:
            return None
        try:
            source = Source(name=self.resolved.name, root=body)
            return check_card(kind, source, name="")
        except SpecError:  # of another version of eqspec
            return None


def _overrides(given: Mapping[str, Entry], card: Card, path: KeyPath) -> Iterator[Node]:
    """Yield the overrides of a `with:` at a path of its card."""
    for key, entry in given.items():
        try:
            targets = override_paths(card, key)
        except KeyError:
            continue
        for target in targets:
            if tuple(map(str, path[: len(target)])) != target:
                continue
            node = Source(name="", root=entry.node).get(path[len(target) :])
            if node is not None:
                yield node
