"""Sizes of the views of a spec, and the settings that change them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from eqspec.compile.lookup.look_up import Lookup
from eqspec.compile.lookup.resolve import DEFAULT_IMAGE
from eqspec.errors import Location
from eqspec.registry.cards import AugmentationCard, DatasetCard, EquivarianceCard
from eqspec.registry.catalog import Card
from eqspec.registry.view_groups import AddedGroupDecl, GroupDecl
from eqspec.spec.node import KeyPath


@dataclass(frozen=True, slots=True)
class ViewGroup:
    """A group of views whose size is not that of the images.

    Attributes:
        key: of the spec, at which the card stands that says how they are made.
        card: the name of that card.
    """

    name: str
    key: str
    card: str

    def resized(self, found: Lookup, size: int) -> str:
        """The arguments that give its views another size."""
        # What a method's recipe names has to be written into the spec before it can be changed.
        is_written = found.source.get((self.key, "use")) is not None
        named = () if is_written else (f"--set {self.key}.use={self.card}",)
        return " ".join((*named, f"--set {self.key}.with.{self.name}.size={size}"))


def view_sides(
    found: Lookup, wanted: tuple[str, ...]
) -> Iterator[tuple[int, ViewGroup | None, Location | None]]:
    """Yield the side of each group's views, the group if the size is its own, and its location."""
    known = image_side(found)
    if known is None:
        return
    image, location = known
    seen: set[int] = set()
    for name, decl, card, path in _groups(found, wanted):
        side, origin, group = image, location, None
        key = next((k for k in ("size", "share") if getattr(decl, k) is not None), None)
        if key is not None:
            side = decl.size or max(1, round(image * (decl.share or 1)))
            origin = card.source.value((*path, key))
            group = ViewGroup(name, "augment" if path[0] == "groups" else "equivariance", card.name)
        if side not in seen:
            seen.add(side)
            yield side, group, origin


def _groups(
    found: Lookup, wanted: tuple[str, ...]
) -> Iterator[tuple[str, GroupDecl | AddedGroupDecl, Card, KeyPath]]:
    """The view groups of the method and of the rewrite, each with its card and path."""
    card = found.cards.get("augment")
    if card is not None and isinstance(card.model, AugmentationCard):
        for name, decl in card.model.groups.items():
            if name in wanted:
                yield name, decl, card, ("groups", name)
    rewrite = found.cards.get("equivariance")
    if rewrite is not None and isinstance(rewrite.model, EquivarianceCard):
        for name, added in rewrite.model.add.views.items():
            yield name, added, rewrite, ("add", "views", name)


def image_side(found: Lookup) -> tuple[int, Location | None] | None:
    """Return the side of the global views and its location; None where it is unknown."""
    node, data = found.source.get(("image",)), found.own_data
    if node is not None and node.value is not None:
        side = positive_whole(node.value)
        return None if side is None else (side, node.location)
    if data is None:
        return None
    data = data.of(DatasetCard)
    side = data.model.facts.image
    return (DEFAULT_IMAGE, None) if side is None else (side, data.source.value(("facts", "image")))


def positive_whole(value: object) -> int | None:
    """A positive whole number as it is; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    return None
