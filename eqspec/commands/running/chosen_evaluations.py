"""Evaluations to carry out on a run: those of its plan, of named cards, or of an edited spec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations
from eqspec.commands.planning.fine_tune_checks import fine_tuning_problems
from eqspec.commands.planning.plans import plan_spec
from eqspec.commands.planning.read_spec import with_cards
from eqspec.commands.running.evaluation import damaged_results
from eqspec.commands.running.folder_guard import guard
from eqspec.compile.planner import plan as make_plan
from eqspec.compile.types.plan import EvalPlan, Plan
from eqspec.errors import EqspecError, SpecError
from eqspec.registry.catalog import open_catalog
from eqspec.runs.added_evaluations import added_evaluations
from eqspec.runs.folder import RunFolder
from eqspec.runs.results import named_results
from eqspec.spec.dump import write_yaml
from eqspec.spec.load import read_spec_text
from eqspec.spec.override import Argument

_OTHER_RECIPE = (
    "undo the change; `--use` names evaluations without a spec, and `eqspec run SPEC` trains the "
    "edited spec as a run of its own"
)


def planned_evaluations(plan: Plan, folder: RunFolder) -> tuple[EvalPlan, ...]:
    """Return the evaluations of a run's plan, and added ones with a damaged result."""
    ids = {id_ for _, id_, _ in named_results(folder)} - {e.id for e in plan.evaluations}
    added = (known for id_, known in protocols(folder, plan, ids).items() if id_ in ids)
    return (*plan.evaluations, *(e for e in added if damaged_steps(folder, e)))


def protocols(folder: RunFolder, plan: Plan, ids: set[str]) -> dict[str, EvalPlan]:
    """Return id → evaluation: of the plan, added to the run, or given by an unchanged card."""
    known = {e.id: e for e in (*added_evaluations(folder), *plan.evaluations)}
    for id_ in ids - known.keys():
        try:
            asked = evaluations_by_card(
                plan, [id_.rpartition("-")[0]], resolved_spec=folder.path / "resolved.yaml"
            )
        except EqspecError:  # no such card any more
            continue
        known |= {e.id: e for e in asked}
    return {id_: known[id_] for id_ in sorted(ids & known.keys())}


def damaged_steps(folder: RunFolder, evaluation: EvalPlan) -> set[int]:
    """Return the steps after which the result of an evaluation is damaged."""
    steps = {step for _, id_, step in named_results(folder) if id_ == evaluation.id}
    return {s for s in steps if damaged_results(folder, evaluation=evaluation, step=s)}


def evaluations_by_card(
    plan: Plan,
    uses: Sequence[str],
    *,
    resolved_spec: Path,
    overrides: Sequence[str] = (),
    data: DataLocations = NO_LOCATIONS,
) -> tuple[EvalPlan, ...]:
    """Return evaluations of a plan's encoder at the end.

    Args:
        plan: of the run.
        uses: names of evaluation cards; with none, the plan's own with `overrides`.
        resolved_spec: file with the run's resolved spec, to name in messages.
        overrides: `path=value` in the run's own spec: `evaluate.0.with.data=cifar10` changes the
            first one.
        data: locations of datasets.

    Raises:
        SpecError: names or overrides are wrong, or an evaluation cannot be trained.
    """
    spec = dict(plan.resolved)
    if uses:
        at_end: JsonValue = {"at": "end"}
        spec["evaluate"] = [at_end for _ in uses]
    names = (_USE if len(uses) == 1 else f"{_USE} #{n}" for n in range(1, len(uses) + 1))
    arguments = [
        Argument(name, ("evaluate", at, "use"), use)
        for at, (name, use) in enumerate(zip(names, uses, strict=True))
    ]
    reading = read_spec_text(
        write_yaml(spec), path=resolved_spec, overrides=overrides, arguments=arguments
    )
    read = with_cards(reading, path=resolved_spec, catalog=open_catalog())
    resolved = read.resolved(name=plan.name)
    planned = make_plan(resolved, count=plan.data.count, init=plan.init, published=plan.published)
    if problems := tuple(fine_tuning_problems(planned, reading.own.source, locations=data)):
        raise SpecError(problems)
    return planned.evaluations


_USE = "<cli>:--use"


def evaluations_of_spec(
    plan: Plan, folder: Path, spec: Path, *, overrides: Sequence[str] = (), data: DataLocations
) -> tuple[EvalPlan, ...]:
    """Return the evaluations of the spec, or of its variant, that a run was started from.

    Raises:
        SpecError: the spec is wrong.
        FolderMismatch: the run has another recipe.
    """
    planned = plan_spec(spec, overrides=overrides, data=data)
    alike = [p for p in planned.in_order if (p.recipe, p.seed) == (plan.recipe, plan.seed)]
    if not alike:
        guard(RunFolder.open(folder), planned.plan, advice=_OTHER_RECIPE)
    return alike[-1].evaluations
