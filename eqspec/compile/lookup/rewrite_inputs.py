"""Inputs of a rewrite, derived from its wiring: streams, and settings of the spec.

A transform between the views is allowed exactly when something reads what it changes. A setting
that nothing reads is refused, since it would have no effect.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Literal

from pydantic import JsonValue

from eqspec.registry.cards import EquivarianceCard
from eqspec.registry.grammar import (
    Apply,
    Concat,
    Detach,
    Gather,
    Pool,
    Select,
    Stack,
    Step,
    TermDecl,
    View,
)

BETWEEN, ACTIONS, PIXELS, DRAWS = "between", "actions", "global.pixels", "draws"
PARAMETERS = "parameters"

OF_TRANSFORM = (BETWEEN, ACTIONS, PARAMETERS)
"""Streams that exist only with a transform between the views."""

Transform = Literal["none", "drawn", "stored"]
"""The transform between the views: none; drawn, so that it changes view 2; or stored with both
views, so that it changes nothing."""

_WHY = MappingProxyType(
    {
        "transform": "it reads none of `between`, `actions`, `parameters` and `global.pixels`",
        "border": "no transform changes a view",
        "split": "it cuts nothing: the embedding stays whole",
        "d_equi": "it cuts nothing: the embedding stays whole",
        "images": "it reconstructs no image of the path",
        "lambda": "no weight of its terms is called `lambda`; `with: {TERM.weight: …}` sets one",
        "reduction": "none of its terms takes it from the spec",
    }
)
"""Setting of a spec → the reason why a rewrite does not read it."""


def streams_read(card: EquivarianceCard) -> frozenset[str]:
    """Return every stream that a rewrite names in its flow, terms and rewiring.

    Args:
        card: with alternatives chosen (`eqspec.compile.lookup.alternatives.carried_out`), or all
            of them open.
    """
    ways = (card, *(way for found in card.either.values() for way in found))
    named = {name for w in ways for step in w.add.flow.values() for name in _step_reads(step)}
    named |= {name for w in ways for term in w.add.terms.values() for name in _term_reads(term)}
    return frozenset(named | {name for w in ways for name in w.rewire.values()})


def settings_unread(card: EquivarianceCard, *, transform: Transform) -> dict[str, str]:
    """Return the settings of `equivariance:` that a rewrite does not read, each with the reason.

    Args:
        card: as above.
        transform: what the spec gives.
    """
    streams, named = streams_read(card), set(_settings_named(card))
    # Stored views have no images in between; that is checked with the data.
    given = set(OF_TRANSFORM) if transform == "stored" else {*OF_TRANSFORM, PIXELS}
    read = {"split", "d_equi"} if card.cut != "none" else set[str]()
    read |= {"transform"} if streams & given else set()
    read |= {"border"} if streams & given and transform == "drawn" else set()
    repeats = any(m.repeat is not None for m in card.add.modules.values())
    read |= {"images"} if repeats or BETWEEN in streams else set()
    read |= named & {"lambda", "reduction"}
    return {name: why for name, why in _WHY.items() if name not in read}


def transform_needed(card: EquivarianceCard) -> tuple[str, ...]:
    """Return the streams of a rewrite that only a transform between the views provides."""
    streams = streams_read(card)
    return tuple(name for name in OF_TRANSFORM if name in streams)


def _step_reads(step: Step) -> tuple[str, ...]:  # noqa: PLR0911 - one arm per kind of step
    match step:
        case Apply():
            return tuple(step.to.values())
        case Gather():
            return (step.of, step.gather)
        case Concat():
            return tuple(step.concat)
        case Stack():
            return (step.stack,)
        case Detach():
            return (step.detach,)
        case Pool() | Select() | View():
            return (step.of,)


def _term_reads(term: TermDecl) -> Iterator[str]:
    for streams in term.ports.values():
        yield from (streams,) if isinstance(streams, str) else streams


def _settings_named(card: EquivarianceCard) -> Iterator[str]:
    """Settings that terms name: as a weight, or by `{setting: name}`."""
    for term in card.add.terms.values():
        if isinstance(term.weight, str):
            yield term.weight
        for value in term.params.values():
            yield from _setting(value)


def _setting(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict) and set(value) == {"setting"}:
        yield str(value["setting"])
