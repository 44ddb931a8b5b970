"""Source location of a graph error, in the spec or in a card that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eqspec.compile.lookup.op_calls import additions
from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.types.error import GraphError
from eqspec.errors import Location
from eqspec.spec.node import KeyPath
from eqspec.spec.source import Source

_COPY = re.compile(r"_\d+$")


def location_of(error: GraphError, resolved: Resolved) -> Location:
    """Return the location of the error's path, or of its nearest parent that exists in a file."""
    source, path = max(_spots(error, resolved), key=_fit)
    if _fit((source, path)) == (False, 0):
        return resolved.source.key(("method" if "method" in resolved.cards else "backbone",))
    return source.key(path)


def _spots(error: GraphError, resolved: Resolved) -> Iterator[tuple[Source, KeyPath]]:
    """Candidates for the location of a path, the most likely first."""
    sources = {name: card.source for name, card in resolved.lookup.cards.items()}
    if error.card is not None:
        yield sources[error.card], error.path
        return
    yield resolved.source, error.path
    rewrite = resolved.equivariance
    adds = [("add",)] if rewrite is None else additions(rewrite)
    for path in (error.path, _as_written(error.path)):
        bare = path[1:] if path[0] == "add" else path
        for source in sources.values():
            yield source, path
            yield from ((source, (*add, *bare)) for add in adds)
    yield resolved.source, ("equivariance", *error.path)
    if error.path[0] == "modules" and _is_backbone(str(error.path[1]), resolved):
        yield sources["backbone"], error.path[2:]


def _is_backbone(module: str, resolved: Resolved) -> bool:
    if "method" not in resolved.cards:  # nothing but a backbone
        return True
    declared = resolved.method.modules.get(module)
    return declared is not None and declared.backbone is not None


def _as_written(path: KeyPath) -> KeyPath:
    """The path with names as the card has them: a chain by its whole, a copy by its original."""
    section, *rest = path
    if not rest:
        return path
    name = _COPY.sub("_k", str(rest[0]).split(".", maxsplit=1)[0])
    return (section, name, *rest[1:])


def _fit(spot: tuple[Source, KeyPath]) -> tuple[bool, int]:
    """Whether a whole path exists in a source, and how much of it."""
    source, path = spot
    depth = next((n for n in range(len(path)) if source.get(path[: n + 1]) is None), len(path))
    return depth == len(path) > 0, depth
