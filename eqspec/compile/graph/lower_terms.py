"""Terms of a card → terms of a draft, with the settings of a rewrite filled in."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from eqspec.compile.graph.draft import TermDraft
from eqspec.compile.lookup.ops import checked_number
from eqspec.compile.types.error import GraphError
from eqspec.registry.grammar import TermDecl
from eqspec.spec.node import KeyPath
from eqspec.spec.numbers import NotNegative
from eqspec.spec.use import OpCall


def lower_term(decl: TermDecl, *, path: KeyPath, settings: Mapping[str, JsonValue]) -> TermDraft:
    """A term with the rewrite's settings filled in."""
    return TermDraft(
        impl=decl.impl,
        params={
            name: _setting(value, path=path, settings=settings)
            for name, value in decl.params.items()
        },
        ports={p: s if isinstance(s, str) else tuple(s) for p, s in decl.ports.items()},
        weight=_weight(decl.weight, path=path, settings=settings),
    )


def _weight(
    value: float | OpCall | str, *, path: KeyPath, settings: Mapping[str, JsonValue]
) -> float | OpCall:
    if isinstance(value, str):
        number = _setting({"setting": value}, path=path, settings=settings)
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise GraphError(path, f"the weight `{value}` is {number}, which is not a number")
        return float(number)
    return checked_number(value, legal=NotNegative, path=(*path, "weight"))


def _setting(value: JsonValue, *, path: KeyPath, settings: Mapping[str, JsonValue]) -> JsonValue:
    """`{setting: name}` becomes the setting's value; anything else stays."""
    if not (isinstance(value, dict) and set(value) == {"setting"}):
        return value
    name = value["setting"]
    if not isinstance(name, str) or name not in settings:
        raise GraphError(
            path,
            f"`{name}` is no setting of this rewrite",
            help="there are: " + ", ".join(settings),
        )
    return settings[name]
