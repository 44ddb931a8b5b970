"""Turns `{use: name, with: …}` or a body in place into the card, overrides applied."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from eqspec.errors import Diagnostic, SpecError
from eqspec.registry.catalog import Card, Catalog, UnknownCard, check_card
from eqspec.spec.node import CannotReplace, KeyPath
from eqspec.spec.source import Source


def card_in_use(catalog: Catalog, spec: Source, at: KeyPath, *, family: str) -> Card:
    """The card that a spec names (or writes out) at a path, with its `with:` carried out.

    Raises:
        SpecError: when there is no such card, or an override does not fit it.
    """
    node = spec.get(at)
    assert node is not None, "the schema has seen this path"
    written = spec.get((*at, "use"))
    body = node if written is None else written
    if isinstance(body.value, str):
        card = _named(catalog, spec, at, family=family, name=body.value)
    else:
        source = Source(name=spec.name, root=body)
        card = check_card(source, family=family, name=_own_name(source, family))
    return _overridden(card, spec, (*at, "with"))


def _named(catalog: Catalog, spec: Source, at: KeyPath, *, family: str, name: str) -> Card:
    try:
        return catalog.card(family, name)
    except UnknownCard as error:
        place = spec.value((*at, "use"))
        raise SpecError(
            (Diagnostic(code="EQ010", message=error.message, place=place, help=error.help),)
        ) from None


def _own_name(source: Source, family: str) -> str:
    name = source.get(("name",))
    return name.value if name is not None and isinstance(name.value, str) else f"inline-{family}"


def _overridden(card: Card, spec: Source, at: KeyPath) -> Card:
    overrides = spec.get(at)
    if overrides is None or not isinstance(overrides.value, Mapping):
        return card
    source = card.source
    problems: list[Diagnostic] = []
    for key, entry in overrides.value.items():
        try:
            source = source.graft(override_path(card, key), entry)
        except (KeyError, CannotReplace) as error:
            problems.append(_no_such(card, key, error, spec=spec, at=(*at, key)))
    if problems:
        raise SpecError(tuple(problems))
    return check_card(source, family=card.family, name=card.name)


def override_path(card: Card, dotted: str) -> KeyPath:
    """Where in a card's body the value of `with: {dotted: …}` goes.

    In a method the first part names a module, term, input, teacher or view group; elsewhere a
    parameter.

    Raises:
        KeyError: when the method has no part of that name.
    """
    first, *rest = dotted.split(".")
    if card.family == "augmentations":
        return ("groups", first, *rest)
    if card.family != "methods":
        return ("params", first, *rest)
    for section in ("modules", "terms", "inputs", "teachers", "views", "recipe"):
        if section == "recipe" and first == "recipe":
            return ("recipe", *rest)
        if first not in _names(card, section):
            continue
        owns = {"modules": set[str](), "terms": {"weight"}, "inputs": set[str]()}.get(section)
        direct = owns is None or (bool(rest) and rest[0] in owns)
        return (section, first, *rest) if direct else (section, first, "params", *rest)
    raise KeyError(first)


def overridable(card: Card) -> tuple[str, ...]:
    """The names with which an override of this card may begin."""
    if card.family == "methods":
        sections = ("modules", "terms", "inputs", "teachers", "views")
        return (*(name for section in sections for name in _names(card, section)), "recipe")
    return _names(card, "groups" if card.family == "augmentations" else "params")


def _names(card: Card, section: str) -> tuple[str, ...]:
    """What a card declares under one of its keys."""
    declared = card.body.get(section)
    return tuple(declared) if isinstance(declared, dict) else ()


def _no_such(card: Card, key: str, error: Exception, *, spec: Source, at: KeyPath) -> Diagnostic:
    known = overridable(card)
    near = get_close_matches(key.split(".", maxsplit=1)[0], known, n=1, cutoff=0.5)
    guess = f"did you mean `{near[0]}`? " if near else ""
    said = (
        str(error)
        if isinstance(error, CannotReplace)
        else f"`{card.name}` has no part `{key.split('.', maxsplit=1)[0]}`"
    )
    return Diagnostic(
        code="EQ001",
        message=said,
        place=spec.key(at),
        label="not a part of this card",
        help=f"{guess}there are: {', '.join(known)}",
    )
