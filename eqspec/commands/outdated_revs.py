"""Cards and ops of a run whose rev has been raised since: its numbers would differ now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from pydantic import JsonValue

from eqspec.errors import EqspecError
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.ops.find import FAMILIES as OP_FAMILIES
from eqspec.ops.find import find_op, op_names
from eqspec.registry.cards import FAMILIES as CARD_FAMILIES
from eqspec.registry.catalog import Catalog
from eqspec.runs.recorded_plan import RecordedPlan

Revs = Callable[[str, str, str], int | None]
"""(card or op, family, name) → its rev in this version; None where there is none."""

_EVALUATIONS = "evaluations"


@dataclass(frozen=True, slots=True)
class Raised:
    """A card or an op whose rev has been raised.

    Attributes:
        what: `training`, or the id of the evaluation that is stale.
        name: `family/name`.
    """

    what: str
    kind: str
    name: str
    was: int
    now: int


def revs(catalog: Catalog) -> Revs:
    """Return a look-up of revs that reads each once."""

    @cache
    def now(kind: str, family: str, name: str) -> int | None:
        try:
            if kind == "op":
                known = family in OP_FAMILIES and name in op_names(family)
                return find_op(family, name).rev if known else None
            return (
                catalog.card(CARD_FAMILIES[family], name).model.rev
                if name in catalog.names(family)
                else None
            )
        except EqspecError:  # a card that is being written
            return None

    return now


def stale(plan: RecordedPlan, results: Sequence[ResultSet], *, now: Revs) -> tuple[Raised, ...]:
    """Return the revs that have been raised since a run was trained and evaluated."""
    found = [*_training(plan, now), *_evaluating(plan, results, now)]
    return tuple(dict.fromkeys(found))


def _training(plan: RecordedPlan, now: Revs) -> Iterator[Raised]:
    for used in plan.provenance:
        rev = now(used.kind, used.family, used.name)
        if rev is not None and rev > used.rev:
            yield Raised("training", used.kind, used.full_name, used.rev, rev)


def _evaluating(plan: RecordedPlan, results: Sequence[ResultSet], now: Revs) -> Iterator[Raised]:
    written = plan.resolved.get("evaluate")
    cards = dict(zip((e.id for e in plan.evaluations), _card_revs(written), strict=False))
    ops = {e.id: e.impl for e in plan.evaluations}
    for protocol in (one.protocol for one in results):
        name = protocol.evaluation
        impl = ops.get(protocol.id, name)
        pairs = (("op", impl, protocol.rev), ("card", name, cards.get(protocol.id)))
        for kind, called, was in pairs:
            rev = now(kind, _EVALUATIONS, called)
            if was is not None and rev is not None and rev > was:
                yield Raised(protocol.id, kind, f"{_EVALUATIONS}/{called}", was, rev)


def _card_revs(written: JsonValue) -> Iterator[int | None]:
    """The rev of each evaluation's card, in the order of the resolved spec."""
    for one in written if isinstance(written, list) else ():
        body = one.get("use") if isinstance(one, dict) else None
        rev = body.get("rev") if isinstance(body, dict) else None
        yield rev if isinstance(rev, int) else None
