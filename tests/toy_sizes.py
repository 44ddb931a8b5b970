"""Toy-sized settings of any method or rewrite, read off its card; and which method suits which."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from eqspec.compile.lookup.alternatives import carried_out
from eqspec.compile.lookup.rewrite_inputs import streams_read, transform_needed
from eqspec.compile.types.error import GraphError
from eqspec.registry.cards import AugmentationCard, EquivarianceCard, MethodCard
from eqspec.registry.catalog import open_catalog
from eqspec.registry.grammar import ModuleDecl
from eqspec.spec.dump import inline_yaml

CATALOG = open_catalog()

MOST: Mapping[str, int] = {"width": 32, "depth": 1, "heads": 2}
"""Largest value of a parameter in a toy."""

WIDTH = 24
"""Largest of a list of widths in a toy."""


def method_card(name: str) -> MethodCard:
    """The data of a method's card."""
    return CATALOG.card(MethodCard, name).model


def rewrite_card(name: str) -> EquivarianceCard:
    """The data of a rewrite's card."""
    return CATALOG.card(EquivarianceCard, name).model


def toy_settings(method: str) -> str:
    """The `with:` that makes a method toy-sized: narrow, shallow, two local crops."""
    card = method_card(method)
    settings = _small_modules(card.modules)
    settings |= {f"{name}.count": 2 for name, decl in card.views.items() if decl.count > 2}
    return _flow(settings)


def toy_rewrites(known: Mapping[str, str]) -> dict[str, str]:
    """A toy-sized spec of every rewrite that none of the known ones uses, by the card's name."""
    used = {card_of(text) for text in known.values()}
    return {n: _toy_rewrite(n) for n in CATALOG.names("equivariance") if n not in used}


def _toy_rewrite(name: str) -> str:
    card = rewrite_card(name)
    added = (card.add, *(way.add for ways in card.either.values() for way in ways))
    settings: dict[str, JsonValue] = {}
    for addition in added:
        settings |= _small_modules(addition.modules)
        settings |= {f"{group}.size": 16 for group in addition.views}
    spec: dict[str, JsonValue] = {"use": name}
    suited = next(m for m in CATALOG.names("methods") if suits(name, m))
    if transform_needed(carried_out(card, method_card(suited))):
        spec["transform"] = {"use": "rot"}
    if card.cut != "none":
        spec["split"] = 0.5
    return _flow({**spec, "with": settings} if settings else spec)


def _small_modules(modules: Mapping[str, ModuleDecl]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for name, decl in modules.items():
        for parameter, value in decl.params.items():
            if parameter in MOST and isinstance(value, int):
                found[f"{name}.{parameter}"] = min(value, MOST[parameter])
            if parameter in {"widths", "hidden"} and isinstance(value, list):
                found[f"{name}.{parameter}"] = [min(int(str(w)), WIDTH) for w in value]
    return found


def _flow(data: dict[str, JsonValue]) -> str:
    """YAML on one line: `{a: 1, b: [2, 3]}`."""
    return inline_yaml(data)


def card_of(rewrite: str) -> str:
    """The card that the text of a rewrite names."""
    return rewrite.removeprefix("{use: ").split(",")[0].rstrip("}")


def suits(rewrite: str, method: str) -> bool:
    """Whether a method has what a rewrite asks for."""
    asked, card = rewrite_card(rewrite), method_card(method)
    try:
        carried_out(asked, card)
    except GraphError:
        return False
    drawn = {s.removeprefix("draws.") for s in streams_read(asked) if s.startswith("draws.")}
    return drawn <= _steps_of(card)


def _steps_of(method: MethodCard) -> set[str]:
    """The steps of a method's own augmentation, and its crop."""
    assert method.recipe.augment is not None, "every method has one"
    own = CATALOG.card(AugmentationCard, method.recipe.augment).model
    return {"crop"} | {step.impl for view in own.groups["global"].views for step in view.steps}
