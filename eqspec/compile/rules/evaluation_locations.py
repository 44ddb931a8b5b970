"""Locations of evaluations in a spec."""

from __future__ import annotations

from eqspec.errors import Location
from eqspec.spec.node import KeyPath
from eqspec.spec.source import Source


def evaluation_location(source: Source, *, at: int, key: str | None = None) -> Location:
    """Return the location of an evaluation in a spec, or of one of its parameters.

    Args:
        at: place in `evaluate:`.
        key: of a parameter, dotted or nested in the spec; where that leaves it to the card, the
            evaluation itself is located.
    """
    for parts in () if key is None else ((key,), tuple(key.split("."))):
        within: KeyPath = ("evaluate", at, "with", *parts)
        if source.get(within) is not None:
            return source.value(within)
    return source.value(("evaluate", at, "use"))
