"""The card that `{use: name, with: …}` or an inline body stands for, overrides applied."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

from eqspec.compile.lookup.op_calls import additions
from eqspec.errors import Diagnostic, Location, SpecError
from eqspec.registry.cards import CardModel, EquivarianceCard
from eqspec.registry.catalog import Card, Catalog, UnknownCard, check_card
from eqspec.spec.diagnose import Naming
from eqspec.spec.node import KeyPath, Node
from eqspec.spec.override import key_path
from eqspec.spec.source import Source

_SECTIONS = MappingProxyType(
    {
        "methods": (("modules",), ("terms",), ("inputs",), ("teachers",), ("views",)),
    }
)
"""Family → the sections of a card in which an override looks for a part, in order."""

_ADDED = ("modules", "terms", "views")
"""Sections of every `add:` of a rewrite."""

_BESIDE = MappingProxyType({"evaluations": ("data", "controls"), "equivariance": ("drop",)})
"""Family → keys beside the parameters, or parts, that an override may name."""

_OWN = MappingProxyType({"modules": (), "terms": ("weight",), "inputs": ()})
"""Section → keys of a part that are not parameters; an override addresses `params` otherwise."""


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
    source = card.source
    problems: list[Diagnostic] = []
    for key, entry in overrides.value.items():
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


def override_path(card: Card, dotted: str) -> tuple[str, ...]:
    """Where in a card's body the value of `with: {dotted: …}` goes, at first.

    In a method the first part names a module, term, input, teacher or view group, in a rewrite a
    module, term or view group that it adds; elsewhere a parameter.

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
        return (*_names(card, (section,)), *_BESIDE.get(card.family, ()))
    names = dict.fromkeys(name for section in sections for name in _names(card, section))
    beside = ("recipe",) if card.family == "methods" else _BESIDE.get(card.family, ())
    return (*names, *beside)


def _names(card: Card, section: tuple[str, ...]) -> tuple[str, ...]:
    """Names that a card declares in a section."""
    declared = card.source.get(key_path(card.source, ".".join(section)))
    names = None if declared is None else declared.value
    return tuple(names) if isinstance(names, Mapping) else ()


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
