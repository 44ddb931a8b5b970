"""The rows of the table: the small specs, compiled as they stand now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from benchmarks.marked import ROOT
from eqspec.commands.planning.plans import plan_spec
from eqspec.compile.types.plan import Plan


@dataclass(frozen=True, slots=True)
class Row:
    """A spec of the table.

    Attributes:
        plan: of the spec.
        base: of the method alone, where the spec is compared with that.
    """

    name: str
    plan: Plan
    base: Plan | None


@cache
def rows() -> tuple[Row, ...]:
    """Every small spec that trains one method on one recipe, methods first."""
    paths = sorted((ROOT / "specs" / "small").glob("*.yaml"))
    planned = {path.stem: plan_spec(path) for path in paths if path.stem != "vicreg_families"}
    found = [Row(name, one.plan, one.variants.get("base")) for name, one in planned.items()]
    return tuple(sorted(found, key=lambda row: (kind(row.plan), row.name)))


def kind(plan: Plan) -> int:
    """0 of a method alone, 1 of one that reconstructs what lies between, 2 of any other rewrite."""
    rewrite = card_of(plan, "equivariance")
    return 0 if rewrite is None else 1 if rewrite == "intermediate-reconstruction" else 2


def card_of(plan: Plan, family: str) -> str | None:
    """Name of the card of a family that a plan was made from."""
    return next((m.name for m in plan.made_from if m.kind == "card" and m.family == family), None)
