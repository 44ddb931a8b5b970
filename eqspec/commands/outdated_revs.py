"""What a run was made with that has since got another rev: its numbers would be others now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from pydantic import JsonValue

from eqspec.errors import EqspecError
from eqspec.ops.find import FAMILIES as OP_FAMILIES
from eqspec.ops.find import find_op, op_names
from eqspec.registry.cards import FAMILIES as CARD_FAMILIES
from eqspec.registry.catalog import Catalog
from eqspec.runs.recorded_plan import RecordedPlan
from eqspec.runs.results import Report

Revs = Callable[[str, str, str], int | None]
"""(card or op, family, name) → its rev here and now; None where there is none."""

_JUDGES = "evaluations"


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
    """Looks up revs, each once."""

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


def stale(plan: RecordedPlan, reports: tuple[Report, ...], *, now: Revs) -> tuple[Raised, ...]:
    """What has been raised since a run was trained and judged.

    Args:
        reports: the run's results.
    """
    found = [*_training(plan, now), *_judging(plan, reports, now)]
    return tuple(dict.fromkeys(found))


def _training(plan: RecordedPlan, now: Revs) -> Iterator[Raised]:
    for used in plan.made_from:
        rev = now(used.kind, used.family, used.name)
        if rev is not None and rev > used.rev:
            yield Raised("training", used.kind, used.full_name, used.rev, rev)


def _judging(plan: RecordedPlan, reports: tuple[Report, ...], now: Revs) -> Iterator[Raised]:
    written = plan.resolved.get("evaluate")
    cards = dict(zip((e.id for e in plan.evaluations), _card_revs(written), strict=False))
    ops = {e.id: e.impl for e in plan.evaluations}
    for report in reports:
        name = report.id.rpartition("-")[0]
        impl = ops.get(report.id, name)
        pairs = (("op", impl, report.rev), ("card", name, cards.get(report.id)))
        for kind, called, was in pairs:
            rev = now(kind, _JUDGES, called)
            if was is not None and rev is not None and rev > was:
                yield Raised(report.id, kind, f"{_JUDGES}/{called}", was, rev)


def _card_revs(written: JsonValue) -> Iterator[int | None]:
    """The rev of each evaluation's card, in the order of the resolved spec."""
    for one in written if isinstance(written, list) else ():
        body = one.get("use") if isinstance(one, dict) else None
        rev = body.get("rev") if isinstance(body, dict) else None
        yield rev if isinstance(rev, int) else None
