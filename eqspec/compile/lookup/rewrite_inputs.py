"""What a rewrite reads, told from its wiring: streams that are given to it, and settings of a spec.

A transform lies between the views exactly when something reads what it changes. A setting that
nothing reads would change nothing, which its writer cannot have meant.
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

OF_TRANSFORM = (BETWEEN, ACTIONS)
"""Streams that there are only with a transform between the views."""

Transform = Literal["none", "drawn", "stored"]
"""Between the views: nothing; one whose parameters are drawn and move view 2; or what the data have
stored of both, which moves nothing."""

_WHY = MappingProxyType(
    {
        "transform": "it reads neither `between` nor `actions` nor `global.pixels`",
        "border": "no view is moved by a transform",
        "split": "it cuts nothing: the embedding stays whole",
        "d_equi": "it cuts nothing: the embedding stays whole",
        "images": "it makes no image of the path",
        "lambda": "no weight of its terms is called `lambda`; `with: {TERM.weight: …}` sets one",
        "reduction": "none of its terms takes it from the spec",
    }
)
"""Setting of a spec → why a rewrite that does not read it does not."""


def streams_read(card: EquivarianceCard) -> frozenset[str]:
    """Every stream that a rewrite names in its flow, terms and rewiring.

    Args:
        card: as `eqspec.compile.lookup.alternatives.carried_out` leaves it; of a card whose
            alternatives are still open, all are read.
    """
    ways = (card, *(way for found in card.either.values() for way in found))
    named = {name for w in ways for step in w.add.flow.values() for name in _step_reads(step)}
    named |= {name for w in ways for term in w.add.terms.values() for name in _term_reads(term)}
    return frozenset(named | {name for w in ways for name in w.rewire.values()})


def settings_unread(card: EquivarianceCard, *, transform: Transform) -> dict[str, str]:
    """Settings of `equivariance:` that a rewrite does not read, each with the reason.

    Args:
        card: as above.
        transform: what the spec gives.
    """
    streams, named = streams_read(card), set(_settings_named(card))
    # That nothing lies between two stored views is said where the data are judged.
    told = set(OF_TRANSFORM) if transform == "stored" else {*OF_TRANSFORM, PIXELS}
    read = {"split", "d_equi"} if card.cut == "embedding" else set[str]()
    read |= {"transform"} if streams & told else set()
    read |= {"border"} if streams & told and transform == "drawn" else set()
    repeats = any(m.repeat is not None for m in card.add.modules.values())
    read |= {"images"} if repeats or BETWEEN in streams else set()
    read |= named & {"lambda", "reduction"}
    return {name: why for name, why in _WHY.items() if name not in read}


def transform_needed(card: EquivarianceCard) -> tuple[str, ...]:
    """The streams that a rewrite reads and that only a transform between the views gives."""
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
    """What terms take from the spec: by a weight's name, or by `{setting: name}`."""
    for term in card.add.terms.values():
        if isinstance(term.weight, str):
            yield term.weight
        for value in term.params.values():
            yield from _setting(value)


def _setting(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict) and set(value) == {"setting"}:
        yield str(value["setting"])
