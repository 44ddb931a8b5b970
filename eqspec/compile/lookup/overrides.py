"""Overrides of a card: which of its values `with: {dotted.key: …}` sets."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from eqspec.compile.lookup.dataset_parts import PART, has_parts
from eqspec.compile.lookup.op_calls import additions
from eqspec.registry.cards import EquivarianceCard
from eqspec.registry.catalog import Card
from eqspec.spec.node import KeyPath
from eqspec.spec.override import key_path

_SECTIONS = MappingProxyType(
    {
        "methods": (("modules",), ("terms",), ("inputs",), ("teachers",), ("views",)),
    }
)
"""Family → the sections of a card in which an override looks for a part, in order."""

_ADDED = ("modules", "terms", "views", "flow")
"""Sections of every `add:` of a rewrite."""

_BESIDE = MappingProxyType(
    {"evaluations": ("data", "controls"), "equivariance": ("cut", "drop", "shared")}
)
"""Family → keys beside the parameters, or parts, that an override may name."""

_OWN = MappingProxyType({"modules": (), "terms": ("weight",), "inputs": ()})
"""Section → keys of a part that are not parameters; an override addresses `params` otherwise."""


def override_path(card: Card, dotted: str) -> tuple[str, ...]:
    """Where in a card's body the value of `with: {dotted: …}` goes, at first.

    In a method the first part names a module, term, input, teacher or view group, in a rewrite a
    module, term, view group or stream that it adds; elsewhere a parameter.

    Raises:
        KeyError: when the card has no part of that name.
    """
    return override_paths(card, dotted)[0]


def override_paths(card: Card, dotted: str) -> tuple[tuple[str, ...], ...]:
    """As `override_path`; more than one where several alternatives of a rewrite have the part."""
    first, *rest = dotted.split(".")
    sections = _sections(card)
    if first in _BESIDE.get(card.family, ()):
        return ((first, *rest),)
    if sections is None:
        return (("groups" if card.family == "augmentations" else "params", first, *rest),)
    if card.family == "methods" and first == "recipe":
        return (("recipe", *rest),)
    found = [section for section in sections if first in _names(card, section)]
    if not found:
        raise KeyError(first)
    # One part only, unless alternatives have it: which of them is carried out, a method decides.
    alike = [s for s in found if s[-1] == found[0][-1] and card.family == "equivariance"]
    return tuple(_inside(section, first, rest) for section in alike or found[:1])


def override_of(card: Card, path: KeyPath) -> KeyPath | None:
    """Return the key of `with:` that sets the value at a path of a card; None where there is none.

    The inverse of `override_paths`.
    """
    sections = _sections(card)
    beside = ("recipe",) if card.family == "methods" else _BESIDE.get(card.family, ())
    if path[:1] and path[0] in beside:
        return path
    if sections is None:
        head = "groups" if card.family == "augmentations" else "params"
        return path[1:] if path[:1] == (head,) else None
    words = tuple(map(str, path))
    section = next((s for s in sections if words[: len(s)] == s and len(s) < len(path)), None)
    return None if section is None else _outside(section, path[len(section) :])


def _outside(section: tuple[str, ...], part: KeyPath) -> KeyPath | None:
    """The inverse of `_inside`; None for values that no override reaches."""
    first, *rest = part
    own = _OWN.get(section[-1])
    if own is None or not rest or rest[0] in own:
        return part
    return (first, *rest[1:]) if rest[0] == "params" else None


def _inside(section: tuple[str, ...], first: str, rest: list[str]) -> tuple[str, ...]:
    own = _OWN.get(section[-1])
    direct = own is None or (bool(rest) and rest[0] in own)
    return (*section, first, *rest) if direct else (*section, first, "params", *rest)


def _sections(card: Card) -> tuple[tuple[str, ...], ...] | None:
    """Sections of a card that hold parts by name; None for a card that has only parameters."""
    if not isinstance(card.model, EquivarianceCard):
        return _SECTIONS.get(card.family)
    adds = (tuple(map(str, path)) for path in additions(card.model))
    return tuple((*add, part) for add in adds for part in _ADDED)


def overridable(card: Card) -> tuple[str, ...]:
    """Return the names with which an override of this card may begin."""
    sections = _sections(card)
    if sections is None:
        section = "groups" if card.family == "augmentations" else "params"
        part = (PART,) if has_parts(card) else ()
        return (*_names(card, (section,)), *_BESIDE.get(card.family, ()), *part)
    names = dict.fromkeys(name for section in sections for name in _names(card, section))
    beside = ("recipe",) if card.family == "methods" else _BESIDE.get(card.family, ())
    return (*names, *beside)


def _names(card: Card, section: tuple[str, ...]) -> tuple[str, ...]:
    """Names that a card declares in a section."""
    declared = card.source.get(key_path(card.source, ".".join(section)))
    names = None if declared is None else declared.value
    return tuple(names) if isinstance(names, Mapping) else ()
