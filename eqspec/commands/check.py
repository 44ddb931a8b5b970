"""`eqspec check`: reads a spec as far as a plan, and says in a few facts what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.commands.planning.data_places import NOWHERE, DataPlaces, without_place
from eqspec.commands.planning.plans import plan_spec
from eqspec.commands.planning.weights_fit import fits
from eqspec.compile.types.plan import Plan
from eqspec.errors import Diagnostic, SpecError
from eqspec.ops.find import find_evaluation
from eqspec.ops.labels import too_few

if TYPE_CHECKING:
    from eqspec.commands.planning.inspect_dataset import DataFound


@dataclass(frozen=True, slots=True)
class Gist:
    """What a plan is, in a few facts.

    Attributes:
        method: None where nothing is trained.
        equivariance: the rewrite; None for the method as it is.
        weights: published ones that the encoder starts from, as they are named.
        transform: between the views; None where the rewrite reads none.
        image: side of the global views in pixels.
        recipe: hash of everything that changes the weights but the seed.
    """

    name: str
    method: str | None
    equivariance: str | None
    transform: str | None
    backbone: str
    data: str
    image: int
    steps: int
    batch: int
    seed: int
    recipe: str
    weights: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A legal spec.

    Attributes:
        plans: of its variants in order, the spec itself last: as they would be run.
        warnings: what is legal but deserves a second look.
        data: the datasets of which somebody said where they lie: what is trained on, then what
            evaluations name.
        needed: names of those that a run needs and of which nobody said where they lie.
    """

    plans: tuple[Gist, ...]
    warnings: tuple[Diagnostic, ...]
    data: tuple[DataFound, ...] = ()
    needed: tuple[str, ...] = ()


def check(path: Path, *, overrides: Sequence[str] = (), data: DataPlaces = NOWHERE) -> Checked:
    """Compiles a spec and its variants, and looks at the weights that they start from and the data.

    Raises:
        SpecError: with everything that is wrong with the spec, or else with the weights, or else
            with the data.
    """
    planned = plan_spec(path, overrides=overrides, data=data)
    fits(planned)
    found = _look(planned.in_order, places=data)
    if problems := tuple(dict.fromkeys(_not_evaluable(planned.in_order, found))):
        raise SpecError(problems)
    return Checked(
        plans=tuple(gist(p) for p in planned.in_order),
        warnings=planned.warnings,
        data=found,
        needed=without_place(planned.in_order, places=data),
    )


def _look(plans: Sequence[Plan], *, places: DataPlaces) -> tuple[DataFound, ...]:
    """Each dataset of some plans once, where somebody said where it lies."""
    used = [(d, p.data.name) for p in plans for d in p.datasets]
    placed = [(d, own) for d, own in used if places.of(d.name, own=own) is not None]
    if not placed:
        return ()
    from eqspec.commands.planning.inspect_dataset import look  # only now: it decodes images

    once = [use for at, use in enumerate(placed) if use not in placed[:at]]
    found = [look(data, places=places, own=own) for data, own in once]
    return tuple(one for one in found if one is not None)


def _not_evaluable(plans: Sequence[Plan], found: Sequence[DataFound]) -> Iterator[Diagnostic]:
    """Evaluations that the images found here do not allow."""
    there = {one.name: one for one in found}
    for evaluation in (e for p in plans for e in p.evaluations):
        data = there.get(evaluation.data.name)
        if data is None:
            continue
        needs_labels = find_evaluation(evaluation.impl).needs_labels
        if few := too_few(data.train, data.heldout):
            yield Diagnostic("EQ050", f"`{evaluation.name}` {few}", help="give it more images")
        if needs_labels and (why := data.no_labels) is not None:
            message = f"`{evaluation.name}` needs labels, and {why.why}"
            yield Diagnostic("EQ040", message, help=why.help)


def gist(plan: Plan) -> Gist:
    """The facts of a plan."""
    cards = {made.family: made.name for made in plan.made_from if made.kind == "card"}
    return Gist(
        name=plan.name,
        method=cards.get("methods"),
        equivariance=cards.get("equivariance"),
        transform=cards.get("transforms"),
        backbone=cards["backbones"],
        data=plan.data.name,
        image=plan.image,
        steps=plan.train.steps,
        batch=plan.train.batch,
        seed=plan.seed,
        recipe=plan.recipe,
        weights=None if plan.published is None else plan.published.weights,
    )
