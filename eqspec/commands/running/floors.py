"""The floors of a run's path: measured before its first step, and read when it continues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from eqspec.errors import FolderMismatch
from eqspec.evals.path_floors import path_floors
from eqspec.nn.readouts.floors import Reduction
from eqspec.runs.floors import RunFloors, load_floors, save_floors

if TYPE_CHECKING:
    from eqspec.build.data.loader import Dataset
    from eqspec.commands.running.prepare import PreparedRun
    from eqspec.compile.types.graph import TermPlan
    from eqspec.compile.types.plan import Plan

_TARGETS = "between"
"""Stream with the images of the path."""

_REDUCTION: TypeAdapter[Reduction] = TypeAdapter(Reduction)


def run_floors(run: PreparedRun) -> RunFloors | None:
    """Return the floors of a run, measured and saved unless they are; None without a path.

    They need no random number of the training and change none. Damaged ones are measured again.

    Raises:
        LostImage: a training image cannot be read now.
        EqspecError: they cannot be saved.
    """
    if run.model.program is None or not run.strategy.main:
        return None
    try:
        found = load_floors(run.folder)
    except FolderMismatch:
        found = None
    if found is None:
        found = measured_floors(run.plan, run.data.own.train)
        if found is not None:
            save_floors(run.folder, found)
    return found


def measured_floors(plan: Plan, images: Dataset) -> RunFloors | None:
    """Return the floors of a plan's path on training images, on the CPU wherever it trains.

    None where no term compares the images of the path by their squared errors, or its weight is 0:
    a control with λ = 0 reconstructs nothing.
    """
    term = trained_reconstruction(plan)
    reduction = None if term is None else _reduction(term)
    floors = None if reduction is None else path_floors(plan, images)
    if term is None or reduction is None or floors is None:
        return None
    return RunFloors(term=term.name, reduction=reduction, floors=floors)


def trained_reconstruction(plan: Plan) -> TermPlan | None:
    """Return the term that compares images of a path with others, if it has a weight."""
    terms = (one for one in plan.graph.terms if _TARGETS in one.ports.values())
    return next((one for one in terms if one.weight != 0), None)


def _reduction(term: TermPlan) -> Reduction | None:
    """Return how a term sums up squared errors; None for another kind of term."""
    try:
        return _REDUCTION.validate_python(term.params.get("reduction"))
    except ValidationError:
        return None
