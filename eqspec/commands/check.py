"""`eqspec check`: reads a spec as far as a plan, and says in a few facts what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eqspec.commands.plans import plan_spec
from eqspec.compile.plan import Plan
from eqspec.errors import Diagnostic


@dataclass(frozen=True, slots=True)
class Gist:
    """What a plan is, in a few facts.

    Attributes:
        equivariance: the rewrite; None for the method as it is.
        transform: of the rewrite's path.
        image: side of the global views in pixels.
        recipe: hash of everything that changes the weights but the seed.
    """

    name: str
    method: str
    equivariance: str | None
    transform: str | None
    backbone: str
    data: str
    image: int
    steps: int
    batch: int
    seed: int
    recipe: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A legal spec.

    Attributes:
        plans: of its variants in order, the spec itself last: as they would be run.
        warnings: what is legal but deserves a second look.
    """

    plans: tuple[Gist, ...]
    warnings: tuple[Diagnostic, ...]


def check(path: Path, *, overrides: Sequence[str] = (), data: Path | None = None) -> Checked:
    """Compiles a spec and its variants.

    Raises:
        SpecError: with everything that is wrong.
    """
    planned = plan_spec(path, overrides=overrides, data=data)
    return Checked(plans=tuple(gist(p) for p in planned.in_order), warnings=planned.warnings)


def gist(plan: Plan) -> Gist:
    """The facts of a plan."""
    cards = {made.family: made.name for made in plan.made_from if made.kind == "card"}
    return Gist(
        name=plan.name,
        method=cards["methods"],
        equivariance=cards.get("equivariance"),
        transform=cards.get("transforms"),
        backbone=cards["backbones"],
        data=plan.data.name,
        image=next(v.size for v in plan.views.views if v.group == "global"),
        steps=plan.train.steps,
        batch=plan.train.batch,
        seed=plan.seed,
        recipe=plan.recipe,
    )
