"""The card that `{use: name, with: …}` or an inline body stands for, overrides applied."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from eqspec.compile.lookup.dataset_parts import PART, chosen_part, has_parts
from eqspec.compile.lookup.overrides import overridable, override_of, override_paths
from eqspec.errors import Diagnostic, Location, SpecError
from eqspec.registry.cards import CardModel
from eqspec.registry.catalog import Card, Catalog, UnknownCard, check_card
from eqspec.spec.diagnose import Naming
from eqspec.spec.node import KeyPath, Node
from eqspec.spec.override import key_path
from eqspec.spec.source import Source


def card_in_use(catalog: Catalog, spec: Source, at: KeyPath, *, kind: type[CardModel]) -> Card:
    """Return the card that a spec names, or whose body it contains, at a path, `with:` applied.

    Raises:
        SpecError: there is no such card, or an override does not fit it.
    """
    body = spec.get((*at, "use")) or spec.get(at)
    assert body is not None, "the schema has seen this path"
    if isinstance(body.value, str):
        card = _named(catalog, body, kind=kind, name=body.value)
    else:
        source = Source(name=spec.name, root=body)
        card = check_card(
            kind,
            source,
            name=_own_name(source, kind.family),
            naming=lambda path, _: (*_body_at(spec, at), *path),
        )
    return _overridden(card, spec, (*at, "with"))


def _named(catalog: Catalog, node: Node, *, kind: type[CardModel], name: str) -> Card:
    try:
        return catalog.card(kind, name)
    except UnknownCard as error:
        raise SpecError(
            (Diagnostic("EQ010", error.message, node.location, help=error.help),)
        ) from None


def _own_name(source: Source, family: str) -> str:
    name = source.get(("name",))
    return name.value if name is not None and isinstance(name.value, str) else f"inline-{family}"


def _overridden(card: Card, spec: Source, at: KeyPath) -> Card:
    overrides = spec.get(at)
    if overrides is None or not isinstance(overrides.value, Mapping):
        return card
    source, part = card.source, spec.get((*at, PART)) if has_parts(card) else None
    if part is not None:
        source = chosen_part(card, part)
    problems: list[Diagnostic] = []
    for key, entry in overrides.value.items():
        if part is not None and key == PART:
            continue
        try:
            for path in override_paths(card, key):
                source = source.graft(key_path(source, ".".join(path)), entry)
        except (KeyError, ValueError) as error:
            problems.append(_no_such(card, key, error, spec=spec, at=(*at, key)))
    if problems:
        raise SpecError(tuple(problems))
    naming = naming_of(card, spec, at[:-1])
    return check_card(type(card.model), source, name=card.name, naming=naming)


def naming_of(card: Card, spec: Source, at: KeyPath, *, called: KeyPath = ()) -> Naming:
    """Return how messages name a value of a card: by its path in the spec, or else in the card.

    Args:
        at: path in the spec of the card's name or body.
        called: prefix of a path in the card, where the card itself sets the value.
    """

    def name(path: KeyPath, location: Location) -> KeyPath:
        body = _body_at(spec, at)
        if isinstance(_value(spec, body), Mapping):
            return (*body, *path)
        key = None if location.file == card.source.name else override_of(card, path)
        return (*called, *path) if key is None else (*at, "with", *key)

    return name


def _body_at(spec: Source, at: KeyPath) -> KeyPath:
    """Path of a card's name in a spec, or of its body."""
    return at if spec.get((*at, "use")) is None else (*at, "use")


def _value(spec: Source, path: KeyPath) -> object:
    node = spec.get(path)
    return None if node is None else node.value


def _no_such(card: Card, key: str, error: Exception, *, spec: Source, at: KeyPath) -> Diagnostic:
    known = overridable(card)
    near = get_close_matches(key.split(".", maxsplit=1)[0], known, n=1, cutoff=0.5)
    guess = f"did you mean `{near[0]}`? " if near else ""
    message = (
        str(error)
        if isinstance(error, ValueError)
        else f"`{card.name}` has no part `{key.split('.', maxsplit=1)[0]}`"
    )
    return Diagnostic(
        code="EQ001",
        message=message,
        location=spec.key(at),
        label="not a part of this card",
        help=f"{guess}there are: {', '.join(known)}",
    )
