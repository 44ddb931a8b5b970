"""`eqspec check`: compile a spec to a plan and summarise it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from eqspec.commands.planning.data_locations import (
    NO_LOCATIONS,
    DataLocations,
    without_location,
)
from eqspec.commands.planning.plans import plan_spec
from eqspec.commands.planning.weights_fit import fits
from eqspec.compile.types.plan import Plan
from eqspec.errors import Diagnostic, SpecError
from eqspec.ops.find import find_evaluation
from eqspec.ops.labels import too_few

if TYPE_CHECKING:
    from eqspec.commands.planning.inspect_dataset import DataFound
    from eqspec.compile.types.plan import DataPlan


_Inspected: TypeAlias = "tuple[DataPlan, DataFound]"
"""A dataset, or a part of one, and what is there."""


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """Summary of a plan.

    Attributes:
        method: name of the method; None if nothing is trained.
        equivariance: name of the rewrite; None if there is none.
        weights: name of the published weights that the encoder starts from.
        transform: name of the transform between the views; None if the rewrite uses none.
        image: side of the global views in pixels.
        recipe: hash of everything that determines the weights except the seed.
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
class CheckResult:
    """Result of checking a valid spec.

    Attributes:
        plans: summaries of the plans in the order of running: variants, then the spec itself.
        warnings: problems that do not prevent a run.
        data: datasets with a known location: the training data, then those of evaluations.
        needed: names of datasets that a run needs and whose location is unknown.
    """

    plans: tuple[PlanSummary, ...]
    warnings: tuple[Diagnostic, ...]
    data: tuple[DataFound, ...] = ()
    needed: tuple[str, ...] = ()


def check(
    path: Path, *, overrides: Sequence[str] = (), data: DataLocations = NO_LOCATIONS
) -> CheckResult:
    """Compile a spec and its variants, and inspect their published weights and datasets.

    Raises:
        SpecError: with all problems of the spec; if there are none, with those of the weights, and
            then with those of the data.
    """
    planned = plan_spec(path, overrides=overrides, data=data)
    fits(planned)
    found = _inspected(planned.in_order, locations=data)
    if problems := tuple(dict.fromkeys(_not_evaluable(planned.in_order, found))):
        raise SpecError(problems)
    return CheckResult(
        plans=tuple(summarised(p) for p in planned.in_order),
        warnings=planned.warnings,
        data=tuple(one for _, one in found),
        needed=without_location(planned.in_order, locations=data),
    )


def _inspected(plans: Sequence[Plan], *, locations: DataLocations) -> tuple[_Inspected, ...]:
    """Inspect each dataset of the plans whose location is known once."""
    used = [(d, p.data.name) for p in plans for d in p.datasets]
    placed = [(d, own) for d, own in used if locations.of(d.name, own=own) is not None]
    if not placed:
        return ()
    from eqspec.commands.planning.inspect_dataset import inspect  # late: it decodes images

    once = [use for at, use in enumerate(placed) if use not in placed[:at]]
    found = [(data, inspect(data, locations=locations, own=own)) for data, own in once]
    return tuple((data, one) for data, one in found if one is not None)


def _not_evaluable(plans: Sequence[Plan], found: Sequence[_Inspected]) -> Iterator[Diagnostic]:
    """Yield a diagnostic for every evaluation that the images found here do not allow."""
    for evaluation in (e for p in plans for e in p.evaluations):
        data = next((one for data, one in found if data == evaluation.data), None)
        if data is None:
            continue
        needs_labels = find_evaluation(evaluation.impl).needs_labels
        if few := too_few(data.train, data.heldout):
            yield Diagnostic("EQ050", f"`{evaluation.name}` {few}", help="add more images")
        if needs_labels and (why := data.no_labels) is not None:
            message = f"`{evaluation.name}` needs labels, but {why.why}"
            yield Diagnostic("EQ040", message, help=why.help)


def summarised(plan: Plan) -> PlanSummary:
    """Return the summary of a plan."""
    cards = {made.family: made.name for made in plan.provenance if made.kind == "card"}
    return PlanSummary(
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
