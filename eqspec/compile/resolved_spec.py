"""The resolved spec: the same training with nothing left to look up, itself a runnable spec."""

from __future__ import annotations

from pydantic import JsonValue

from eqspec.compile.plan import InitPlan
from eqspec.compile.resolve import Resolved
from eqspec.compile.rewrite_reads import settings_unread
from eqspec.compile.stored_pairs import reads_latents
from eqspec.registry.catalog import Card


def resolved_spec(resolved: Resolved, *, init: InitPlan | None = None) -> dict[str, JsonValue]:
    """Plain data in the spec's own schema: every card's body in place, every default written."""
    spec = resolved.spec.model_dump(mode="json", by_alias=True)
    spec["image"] = resolved.image
    spec["compare"] = {}
    if init is not None:
        spec["init_from"] = init.model_dump(mode="json")
    for place in ("data", "backbone", "method", "augment"):
        spec[place] = _body(resolved.cards[place])
    rewrite = resolved.rewrite
    if rewrite is not None:
        spec["equivariance"]["use"] = _body(resolved.cards["equivariance"])
        if resolved.transform is not None:
            spec["equivariance"]["transform"] = _body(resolved.cards["transform"])
        spec["equivariance"]["with"] = {}
        # What the rewrite does not read may not be written either.
        stored = reads_latents(resolved.cards.get("transform"))
        between = "none" if resolved.transform is None else "stored" if stored else "drawn"
        unread = settings_unread(rewrite, transform=between)
        for name in (*unread, *(() if resolved.transform is not None else ("transform",))):
            spec["equivariance"].pop(name, None)
    for written, evaluation in zip(spec["evaluate"], resolved.evaluations, strict=True):
        written["use"] = {**_body(evaluation.card), "params": evaluation.params}
        if evaluation.model.data is not None:
            written["use"]["data"] = _body(evaluation.data)
        written["with"] = {}
    return {key: value for key, value in spec.items() if value != {} or key == "evaluate"}


def _body(card: Card) -> dict[str, JsonValue]:
    """The card's body, under its own name."""
    return {
        "card": card.body["card"],
        "name": card.name,
        **{k: v for k, v in card.body.items() if k != "card"},
    }
