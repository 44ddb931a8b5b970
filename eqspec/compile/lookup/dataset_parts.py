"""Parts of a dataset, of which `with: {part: NAME}` chooses one."""

from __future__ import annotations

from collections.abc import Mapping

from eqspec.errors import Diagnostic, SpecError
from eqspec.registry.cards import DatasetCard
from eqspec.registry.catalog import Card
from eqspec.spec.node import Node
from eqspec.spec.source import Source

PART = "part"
"""Key of `with:` that chooses a part."""


def has_parts(card: Card) -> bool:
    """Whether a card is of a dataset with parts."""
    return isinstance(card.model, DatasetCard) and bool(card.model.parts)


def chosen_part(card: Card, name: Node) -> Source:
    """Return the card's source with the values of one part in place of its own.

    Args:
        name: of the part, in the spec.

    Raises:
        SpecError: the dataset has no such part.
    """
    assert isinstance(card.model, DatasetCard), "only a dataset has parts"
    parts = card.model.parts
    if name.value not in parts:
        message = f"`{card.name}` has no part `{name.value}`"
        help_ = f"its parts are {', '.join(parts)}; without `{PART}`, its training split is read"
        raise SpecError((Diagnostic("EQ010", message, name.location, help=help_),))
    source = card.source.without("parts")
    for section in ("params", "facts"):
        values = card.source.get(("parts", str(name.value), section))
        if values is not None and isinstance(values.value, Mapping):
            for key, entry in values.value.items():
                source = source.graft((section, key), entry)
    return source
