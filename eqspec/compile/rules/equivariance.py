"""The rule that `equivariance:` has exactly the keys that its rewrite reads."""

from __future__ import annotations

from collections.abc import Iterator

from eqspec.compile.graph.input_streams import ADD_TRANSFORM
from eqspec.compile.lookup.alternatives import carried_out
from eqspec.compile.lookup.look_up import Lookup
from eqspec.compile.lookup.rewrite_inputs import Transform, settings_unread, transform_needed
from eqspec.compile.types.error import GraphError
from eqspec.compile.views.stored_pairs import reads_latents
from eqspec.errors import Diagnostic, Location
from eqspec.registry.cards import EquivarianceCard, MethodCard
from eqspec.registry.catalog import Card
from eqspec.spec.node import KeyPath

_AT: KeyPath = ("equivariance",)


def settings_of_rewrite(found: Lookup) -> Iterator[Diagnostic]:
    """Refuse a missing transform, and settings that the rewrite does not read."""
    card = found.cards.get("equivariance")
    model = None if card is None else _decided(card, found.cards.get("method"))
    if card is None or model is None:
        return
    transform = _transform(found)
    needed = transform_needed(model)
    if needed and transform == "none":
        yield Diagnostic(
            "EQ002",
            f"`{card.name}` reads `{needed[0]}`, so it needs a transform",
            found.source.key(_AT),
            label="needs `transform`",
            help=ADD_TRANSFORM,
            also=((_read_at(card, needed[0]), f"`{needed[0]}` is read here"),),
        )
    for key, why in settings_unread(model, transform=transform).items():
        if _given(found, key):
            yield Diagnostic(
                "EQ022",
                f"`{card.name}` does not read `{key}`: {why}",
                found.source.key((*_AT, key)),
                label="has no effect",
                help=f"delete `{key}`, or choose another rewrite",
            )


def _transform(found: Lookup) -> Transform:
    """Kind of the transform between the views."""
    if not _given(found, "transform"):
        return "none"
    return "stored" if reads_latents(found.cards.get("transform")) else "drawn"


def _decided(card: Card, method: Card | None) -> EquivarianceCard | None:
    """The rewrite with its alternatives chosen; None where that is unknown or impossible."""
    card = card.of(EquivarianceCard)
    if method is None:
        return None
    method = method.of(MethodCard)
    try:
        return carried_out(card.model, method.model)
    except GraphError:  # reported by the compiler, with more detail
        return None


def _given(found: Lookup, key: str) -> bool:
    node = found.source.get((*_AT, key))
    return node is not None and node.value is not None


def _read_at(card: Card, stream: str) -> Location:
    """Where a rewrite's card names a stream first, or else where the card begins."""
    model = card.of(EquivarianceCard).model
    for section in ("terms", "flow"):
        for name, entry in getattr(model.add, section).items():
            written = entry.model_dump(mode="json")
            if stream in str(written):
                return card.source.key(("add", section, name))
    return card.source.key(("card",))
