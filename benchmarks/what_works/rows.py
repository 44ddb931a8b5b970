"""Rows of the table: the small specs, compiled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from benchmarks.marked import ROOT
from eqspec.commands.planning.plans import plan_spec
from eqspec.compile.types.plan import Plan


@dataclass(frozen=True, slots=True)
class Row:
    """One spec of the table.

    Attributes:
        plan: plan of the spec.
        base: plan of the method alone, where the spec is compared with it.
    """

    name: str
    plan: Plan
    base: Plan | None


@cache
def rows() -> tuple[Row, ...]:
    """Return every small spec that trains one method on one recipe, methods first."""
    paths = sorted((ROOT / "specs" / "small").glob("*.yaml"))
    planned = {path.stem: plan_spec(path) for path in paths if path.stem != "vicreg_families"}
    found = [Row(name, one.plan, one.variants.get("base")) for name, one in planned.items()]
    return tuple(sorted(found, key=lambda row: (kind(row.plan), row.name)))


def kind(plan: Plan) -> int:
    """Return 0 for a method alone, 1 for intermediate reconstruction, 2 for other rewrites."""
    rewrite = card_of(plan, "equivariance")
    return 0 if rewrite is None else 1 if rewrite == "intermediate-reconstruction" else 2


def card_of(plan: Plan, family: str) -> str | None:
    """Return the name of the card of a family that a plan uses."""
    return next((m.name for m in plan.provenance if m.kind == "card" and m.family == family), None)
