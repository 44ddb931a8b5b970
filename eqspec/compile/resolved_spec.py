"""The resolved spec: the same experiment with every card and default inline; it runs as a spec."""

from __future__ import annotations

from pydantic import JsonValue

from eqspec.compile.lookup.card_slots import value_at
from eqspec.compile.lookup.look_up import CardInUse
from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.lookup.rewrite_inputs import settings_unread
from eqspec.compile.types.initial_weights import InitPlan, PublishedPlan
from eqspec.compile.views.stored_pairs import reads_latents
from eqspec.registry.cards import EquivarianceCard
from eqspec.registry.catalog import Card


def resolved_spec(
    resolved: Resolved, *, init: InitPlan | None = None, published: PublishedPlan | None = None
) -> dict[str, JsonValue]:
    """Return plain data in the schema of a spec, with every card inline and every default set."""
    spec = resolved.spec.model_dump(mode="json", by_alias=True)
    spec["image"] = resolved.image
    spec["compare"] = {}
    if init is not None:
        spec["init_from"] = init.model_dump(mode="json")
    for used in resolved.lookup.used.values():
        _put_body(spec, used)
    spec["data"]["fingerprint"] = resolved.fingerprint
    if published is not None:
        spec["backbone"]["init"] = _named(published)
    if resolved.rewrite is not None:
        spec["equivariance"] = _settings_read(resolved, resolved.rewrite, spec["equivariance"])
    for written, evaluation in zip(spec["evaluate"], resolved.evaluations, strict=True):
        written["use"]["params"] = dict(evaluation.params)
    return {key: value for key, value in spec.items() if value != {} or key == "evaluate"}


def _put_body(spec: dict[str, JsonValue], used: CardInUse) -> None:
    """Replace the name of a card by its body, and drop the overrides that it includes."""
    location = used.location
    *above, last = location.body
    holder = value_at(spec, tuple(above))
    assert isinstance(holder, dict), "the spec names a card there"
    if location.outer is not None and holder.get(str(last)) is None:
        return  # it follows from the spec's own data
    holder[str(last)] = _body(used.card)
    if location.slot.under_use:
        holder["with"] = {}


def _settings_read(
    resolved: Resolved, rewrite: EquivarianceCard, section: dict[str, JsonValue]
) -> dict[str, JsonValue]:
    """The section `equivariance` with the settings that the rewrite reads, and no others."""
    left_out: tuple[str, ...] = () if resolved.transform is not None else ("transform",)
    stored = reads_latents(resolved.cards.get("transform"))
    between = "none" if resolved.transform is None else "stored" if stored else "drawn"
    unread = (*settings_unread(rewrite, transform=between), *left_out)
    return {key: value for key, value in section.items() if key not in unread}


def _body(card: Card) -> dict[str, JsonValue]:
    """The card's body, under its own name."""
    return {
        "card": card.body["card"],
        "name": card.name,
        **{k: v for k, v in card.body.items() if k != "card"},
    }


def _named(published: PublishedPlan) -> dict[str, JsonValue]:
    """Name, hash and part of published weights; their layout is recognised again from the file."""
    named = {"weights": published.weights, "sha256": published.sha256}
    part = {} if published.layout is None else {"part": published.layout.part}
    return {**named, **part, "partial": published.partial}
