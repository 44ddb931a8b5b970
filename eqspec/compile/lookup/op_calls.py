"""Every call of an op that a spec or the cards it names write down, wherever it stands in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import JsonValue

from eqspec.registry.cards import AugmentationCard, EquivarianceCard
from eqspec.registry.catalog import Card
from eqspec.spec.node import KeyPath, dotted
from eqspec.spec.source import Source

MODULES = ("heads", "decoders")


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call before its op is known; `told` are parameters that the compiler fills in."""

    name: str
    families: tuple[str, ...]
    source: Source
    path: KeyPath = ()
    told: Mapping[str, JsonValue] = field(default_factory=lambda: MappingProxyType({}))


def calls_of_cards(cards: Mapping[str, Card]) -> Iterator[WrittenCall]:
    """Every op that a card calls by itself."""
    for name, families in (
        ("data", ("datasets",)),
        ("backbone", ("backbones",)),
        ("transform", ("transforms", "relations")),
    ):
        if name in cards:
            yield WrittenCall(name, families, cards[name].source)
    sections = (
        ("method", ("modules",), MODULES),
        ("method", ("terms",), ("terms",)),
        ("method", ("inputs",), ("masks",)),
        *(("equivariance", (*add, "modules"), MODULES) for add in additions_of(cards)),
    )
    for name, section, families in sections:
        source = None if name not in cards else cards[name].source
        for part in () if source is None else _keys(source, section):
            path = (*section, part)
            if source is not None and source.get((*path, "impl")) is not None:
                yield WrittenCall(f"{name}.{section[-1]}.{part}", families, source, path)
    if "augment" in cards:
        yield from _of_augment(cards["augment"])
    for add in additions_of(cards):
        yield from _of_added_views(cards["equivariance"].source, (*add, "views"))


def _of_augment(card: Card) -> Iterator[WrittenCall]:
    assert isinstance(card.model, AugmentationCard), "read as one"
    for group, decl in card.model.groups.items():
        for view, way in enumerate(decl.views):
            for step in range(len(way.steps)):
                path = ("groups", group, "views", view, "steps", step)
                name = f"augment.groups.{group}.views[{view}].steps[{step}]"
                yield WrittenCall(name, ("transforms",), card.source, path)


def _of_added_views(source: Source, at: KeyPath) -> Iterator[WrittenCall]:
    """The steps of the view groups that a rewrite adds, and of their copies."""
    for group in _keys(source, at):
        copies = (*at, group, "copies")
        lists = [(*at, group, "steps"), *((*copies, n) for n in range(_length(source, copies)))]
        for steps in lists:
            for step in range(_length(source, steps)):
                path = (*steps, step)
                name = f"equivariance.{dotted(path[len(at) - 1 :])}"
                yield WrittenCall(name, ("transforms",), source, path)


def additions_of(cards: Mapping[str, Card]) -> tuple[KeyPath, ...]:
    """Where in a rewrite's card something is added: by itself, and by each of its alternatives."""
    card = cards.get("equivariance")
    if card is None:
        return ()
    assert isinstance(card.model, EquivarianceCard), "read as one"
    return additions(card.model)


def additions(card: EquivarianceCard) -> tuple[KeyPath, ...]:
    """Paths of every `add:` of a rewrite."""
    ways = ((name, at) for name, found in card.either.items() for at in range(len(found)))
    return (("add",), *(("either", name, at, "add") for name, at in ways))


def calls_of_training(source: Source, cards: Mapping[str, Card]) -> Iterator[WrittenCall]:
    """Optimizer and schedule: the spec's, or those of the method's recipe."""
    method = cards.get("method")
    told: Mapping[str, Mapping[str, JsonValue]] = {"schedules": {"peak": 1.0}}
    for key, family in (("optimizer", "optimizers"), ("schedule", "schedules")):
        here: tuple[Source, KeyPath] = (source, ("train", key))
        if is_absent(source, (*here[1], "impl")) and method is not None:
            here = (method.source, ("recipe", key))
        node = here[0].get(here[1])
        if node is not None and isinstance(node.value, Mapping):
            name = ".".join((*(("method",) if here[0] is not source else ()), *map(str, here[1])))
            yield WrittenCall(name, (family,), *here, told=told.get(family, {}))


def is_absent(source: Source, path: KeyPath) -> bool:
    """Is nothing, or null, written there?"""
    node = source.get(path)
    return node is None or node.value is None


def _keys(source: Source, path: KeyPath) -> tuple[str, ...]:
    node = source.get(path)
    return tuple(node.value) if node is not None and isinstance(node.value, Mapping) else ()


def _length(source: Source, path: KeyPath) -> int:
    node = source.get(path)
    return len(node.value) if node is not None and isinstance(node.value, tuple) else 0
