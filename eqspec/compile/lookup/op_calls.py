"""Every call of an op in a spec and in the cards that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pydantic import JsonValue

from eqspec.registry.cards import AugmentationCard, EquivarianceCard, MethodCard
from eqspec.registry.catalog import Card
from eqspec.spec.node import KeyPath, dotted, plain
from eqspec.spec.source import Source

MODULE_FAMILIES: tuple[Literal["heads", "decoders"], ...] = ("heads", "decoders")
"""Families of ops that a module of a graph may be of, beside the backbone."""

_TRAINING = MappingProxyType({"optimizer": "optimizers", "schedule": "schedules"})
"""Key of `train:` and of a method's recipe → the family of its op."""

_OWN_CALL = MappingProxyType(
    {
        "datasets": ("datasets",),
        "backbones": ("backbones",),
        "transforms": ("transforms", "relations"),
        "evaluations": ("evaluations",),
    }
)
"""Family of a card that is a call itself → the families of ops that it may call."""


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """A call before its op is known.

    Attributes:
        name: of the card's location and the path in it: ``method.modules.embed``.
        families: of ops, in one of which its name is looked up.
        source: the card or spec that holds it.
        path: of the mapping with `impl` and `params`.
        rated: a schedule, which takes the optimizer's learning rate where it sets none.
    """

    name: str
    families: tuple[str, ...]
    source: Source
    path: KeyPath = ()
    rated: bool = False


def transforms_within(card: Card, *, name: str) -> Iterator[WrittenCall]:
    """Every call of a transform, written as `impl` and `params`, in the parameters of a card.

    Args:
        name: of the location that names the card.
    """
    params = card.source.get(("params",))
    for path in () if params is None else _calls_below(plain(params), path=("params",)):
        yield WrittenCall(dotted((name, *path)), _OWN_CALL["transforms"], card.source, path)


def _calls_below(value: JsonValue, *, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, dict) and "impl" in value and value.keys() <= {"impl", "params"}:
        yield path
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _calls_below(inner, path=(*path, key))


def calls_of_card(card: Card, *, name: str) -> Iterator[WrittenCall]:
    """Every call of an op on a card.

    Args:
        name: of the location that names the card.
    """
    if card.family in _OWN_CALL:
        yield WrittenCall(name, _OWN_CALL[card.family], card.source)
    if isinstance(card.model, MethodCard):
        yield from _of_parts(card, ("modules",), name=name, families=MODULE_FAMILIES)
        yield from _of_parts(card, ("terms",), name=name, families=("terms",))
        yield from _of_parts(card, ("inputs",), name=name, families=("masks",))
    if isinstance(card.model, AugmentationCard):
        yield from _of_augment(card, card.model, name=name)
    for add in additions(card.model) if isinstance(card.model, EquivarianceCard) else ():
        yield from _of_parts(card, (*add, "modules"), name=name, families=MODULE_FAMILIES)
        yield from _of_added_views(card.source, (*add, "views"), name=name)


def _of_parts(
    card: Card, section: KeyPath, *, name: str, families: tuple[str, ...]
) -> Iterator[WrittenCall]:
    """The calls of a section that holds parts by name; a part without `impl` calls nothing."""
    for part in _keys(card.source, section):
        path = (*section, part)
        if card.source.get((*path, "impl")) is not None:
            yield WrittenCall(f"{name}.{section[-1]}.{part}", families, card.source, path)


def _of_augment(card: Card, model: AugmentationCard, *, name: str) -> Iterator[WrittenCall]:
    for group, decl in model.groups.items():
        for view, way in enumerate(decl.views):
            for step in range(len(way.steps)):
                path = ("groups", group, "views", view, "steps", step)
                yield WrittenCall(
                    f"{name}.{dotted(path)}", _OWN_CALL["transforms"], card.source, path
                )


def _of_added_views(source: Source, at: KeyPath, *, name: str) -> Iterator[WrittenCall]:
    """The steps of the view groups that a rewrite adds, and of their copies."""
    for group in _keys(source, at):
        copies = (*at, group, "copies")
        lists = [(*at, group, "steps"), *((*copies, n) for n in range(_length(source, copies)))]
        for steps in lists:
            for step in range(_length(source, steps)):
                path = (*steps, step)
                called = f"{name}.{dotted(path[len(at) - 1 :])}"
                yield WrittenCall(called, ("transforms",), source, path)


def additions(card: EquivarianceCard) -> tuple[KeyPath, ...]:
    """Paths of every `add:` of a rewrite."""
    ways = ((name, at) for name, found in card.either.items() for at in range(len(found)))
    return (("add",), *(("either", name, at, "add") for name, at in ways))


def calls_of_training(source: Source, method: Card | None) -> Iterator[WrittenCall]:
    """The optimizer and the schedule: the spec's, or those of the method's recipe."""
    for key, family in _TRAINING.items():
        here: tuple[Source, KeyPath] = (source, ("train", key))
        if is_absent(source, (*here[1], "impl")) and method is not None:
            here = (method.source, ("recipe", key))
        node = here[0].get(here[1])
        if node is not None and isinstance(node.value, Mapping):
            name = ".".join((*(("method",) if here[0] is not source else ()), *map(str, here[1])))
            yield WrittenCall(name, (family,), *here, rated=family == "schedules")


def recipe_lacks(source: Source, method: Card) -> Iterator[str]:
    """``optimizer`` or ``schedule`` of a spec with parameters alone, where the recipe has none."""
    for key in _TRAINING:
        node = source.get(("train", key))
        changes = node is not None and isinstance(node.value, Mapping)
        unnamed = is_absent(source, ("train", key, "impl"))
        if changes and unnamed and is_absent(method.source, ("recipe", key)):
            yield key


def is_absent(source: Source, path: KeyPath) -> bool:
    """Whether a source has nothing, or null, at a path."""
    node = source.get(path)
    return node is None or node.value is None


def _keys(source: Source, path: KeyPath) -> tuple[str, ...]:
    node = source.get(path)
    return tuple(node.value) if node is not None and isinstance(node.value, Mapping) else ()


def _length(source: Source, path: KeyPath) -> int:
    node = source.get(path)
    return len(node.value) if node is not None and isinstance(node.value, tuple) else 0
