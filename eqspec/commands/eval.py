"""`eqspec eval`: makes the evaluations that a run lacks, whether it has finished or was stopped."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue, ValidationError

from eqspec.build.program import build_graph, choose_device
from eqspec.build.restore import put_weights
from eqspec.commands.planning.data_places import NOWHERE, DataPlaces, read_all_asked
from eqspec.commands.planning.plans import plan_spec
from eqspec.commands.planning.reading import with_cards
from eqspec.commands.run import guard
from eqspec.commands.running.events import Evaluated, Judging, Sealed
from eqspec.commands.running.judging import (
    Judged,
    Splits,
    damaged_results,
    judge_plan,
    open_splits,
)
from eqspec.commands.running.memory import within_memory
from eqspec.commands.running.request import never
from eqspec.commands.running.told import told
from eqspec.compile.plan import EvalPlan, Plan
from eqspec.compile.planner import plan as make_plan
from eqspec.compile.resolve import resolve
from eqspec.errors import EqspecError, FolderMismatch
from eqspec.registry.catalog import open_catalog
from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder
from eqspec.runs.log import Log
from eqspec.runs.record import Outcome, RunRecord
from eqspec.runs.results import SUFFIXES
from eqspec.spec.dump import write_yaml
from eqspec.spec.load import judge_spec

EvalEvent = Judging | Evaluated | Sealed


@dataclass(frozen=True, slots=True)
class EvalRequest:
    """A run that is to be judged.

    Attributes:
        plan: of the run.
        folder: of the run.
        evaluations: what it is to have.
        data: where datasets lie.
        should_stop: asked before every evaluation.
    """

    plan: Plan
    folder: Path
    evaluations: tuple[EvalPlan, ...]
    data: DataPlaces = NOWHERE
    should_stop: Callable[[], bool] = never


def plan_in(folder: Path) -> Plan:
    """The plan that a run folder was made from.

    Raises:
        UsageError: when there is no run in it.
        FolderMismatch: when its plan cannot be read.
    """
    opened = RunFolder.open(folder)
    opened.sealed().need("plan.json")
    opened.identity()  # which says it where the plan is damaged
    try:
        return Plan.model_validate(opened.plan())
    except ValidationError as error:
        raise FolderMismatch(
            f"`{folder / 'plan.json'}` cannot be read: another version of eqspec wrote it, or it "
            "is damaged",
            help="give the command with the version that made the run, or make the run anew",
        ) from error


def evaluations_by_card(
    plan: Plan, uses: Sequence[str], *, overrides: Sequence[str] = ()
) -> tuple[EvalPlan, ...]:
    """Evaluations of a plan's encoder at the end; those of the plan itself where none are named.

    Args:
        plan: of the run.
        uses: names of evaluation cards.
        overrides: `path=value` in the run's own spec: `evaluate.0.with.data=cifar10` is of the
            first one.

    Raises:
        SpecError: with everything that is wrong.
    """
    if not uses and not overrides:
        return plan.evaluations
    spec = dict(plan.resolved)
    if uses:
        spec["evaluate"] = [_asked(name) for name in uses]
    path = Path(f"{plan.name}.yaml")
    reading = judge_spec(write_yaml(spec), path=path, overrides=overrides)
    read = with_cards(reading, path=path, catalog=open_catalog())
    loaded = read.loaded
    resolved = resolve(loaded.spec, source=loaded.source, catalog=read.catalog, name=plan.name)
    made = make_plan(resolved, count=plan.data.count, init=plan.init, published=plan.published)
    return made.evaluations


def _asked(name: str) -> dict[str, JsonValue]:
    return {"use": name, "at": "end"}


def evaluations_of_spec(
    plan: Plan, folder: Path, spec: Path, *, overrides: Sequence[str] = (), data: DataPlaces
) -> tuple[EvalPlan, ...]:
    """The evaluations of a spec (or of the variant of it) that a run was made from.

    Raises:
        SpecError: with everything that is wrong with the spec.
        FolderMismatch: when the run was made from another recipe.
    """
    planned = plan_spec(spec, overrides=overrides, data=data)
    alike = [p for p in planned.in_order if (p.recipe, p.seed) == (plan.recipe, plan.seed)]
    if not alike:
        guard(RunFolder.open(folder), planned.plan)
    return alike[-1].evaluations


def evaluate_run(request: EvalRequest) -> Generator[EvalEvent]:
    """Judges a run and keeps the results; what is there already is read.

    The untrained encoder is judged too, since nothing can be said of a trained one without it. A
    sealed run is sealed again, its new seal naming the one before.

    Raises:
        FolderMismatch: when the data are not those of the run, or its files have changed.
        UsageError: when `data` says where a dataset lies that is not read.
        EqspecError: when nothing was saved yet, or an evaluation fails.
    """
    # The run's own too: a command may repeat what `run` was told.
    used = (*request.plan.datasets, *(e.data for e in request.evaluations))
    read_all_asked(request.data, used)
    splits = open_splits(request.plan, data=request.data, evaluations=request.evaluations)
    folder = RunFolder.open(request.folder)
    with folder.hold(), Log(folder.log) as log:
        folder.finish_sealing()
        folder.guard_data(splits.train.fingerprint())
        record = folder.record()
        anew: list[str] = []
        try:
            for step in _steps(request, folder):
                for event in _judge_at(step, request, folder, splits=splits):
                    if isinstance(event, Judging):
                        anew += event.damaged
                        log.write(f"eqspec eval: {next(told(event))}")
                    yield event
        finally:
            if record is not None and (anew or _added(folder, record)):
                folder.seal(
                    Outcome(record.status, record.step, record.reason, record.finished),
                    action="eval",
                    changed=[f"evaluations/{name}{end}" for name in anew for end in SUFFIXES],
                )
        if record is not None:
            yield Sealed(folder=folder.path)


def _steps(request: EvalRequest, folder: RunFolder) -> tuple[int, ...]:
    """0, the steps at which an evaluation is due and a checkpoint was kept, and the last one."""
    saved = checkpoint.steps(folder.checkpoints)
    if not saved:
        raise EqspecError(
            f"`{folder.path}` has no checkpoint: there is nothing to judge yet",
            help="`eqspec run` goes on with it",
        )
    due = {step for evaluation in request.evaluations for step in evaluation.steps}
    return tuple(sorted({0, *due.intersection(saved), saved[-1]}))


def _judge_at(
    step: int, request: EvalRequest, folder: RunFolder, *, splits: Splits
) -> Iterator[EvalEvent]:
    """The evaluations that are due after a step."""
    last = checkpoint.steps(folder.checkpoints)[-1]
    due = [e for e in request.evaluations if step in {0, last, *e.steps}]
    missing = [e for e in due if Judged.read(folder, evaluation=e, step=step) is None]
    graph = None
    if missing and (step or not request.plan.trains):
        plan = request.plan
        device = choose_device(plan.machine.device)
        graph = build_graph(plan.graph, seed=plan.seed, device=device)
        found = checkpoint.load_step(folder.checkpoints, step=step)
        put_weights(graph, found.tensors, file=found.files[0])
    for evaluation in due:
        if request.should_stop():
            return
        if evaluation in missing:
            damaged = damaged_results(folder, evaluation=evaluation, step=step)
            yield Judging(evaluation=evaluation, step=step, damaged=damaged)
        with within_memory():
            judged = judge_plan(
                folder, graph, plan=request.plan, evaluation=evaluation, splits=splits, step=step
            )
        yield Evaluated(judged=judged, step=step)


def _added(folder: RunFolder, record: RunRecord) -> bool:
    """Whether there are results that the seal does not know."""
    return any(
        path.relative_to(folder.path).as_posix() not in record.files
        for path in folder.evaluations.glob("*.json")
    )
