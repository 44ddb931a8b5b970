"""`eqspec eval`: makes the evaluations that a run lacks, whether it has finished or was stopped."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

from eqspec.build.program import build_graph, choose_device
from eqspec.build.weights.restore import put_weights
from eqspec.commands.planning.data_places import NOWHERE, DataPlaces, read_all_asked
from eqspec.commands.planning.plans import plan_spec
from eqspec.commands.planning.read_spec import with_cards
from eqspec.commands.run import guard
from eqspec.commands.running.evaluation import (
    Judged,
    Splits,
    damaged_results,
    judge_plan,
    open_splits,
    result_names,
)
from eqspec.commands.running.events import Evaluated, Judging, Sealed
from eqspec.commands.running.log_lines import told
from eqspec.commands.running.options import never
from eqspec.commands.running.out_of_memory import within_memory
from eqspec.commands.running.reopen import need_as_sealed
from eqspec.commands.running.training_data import check_data
from eqspec.compile.lookup.resolve import resolve
from eqspec.compile.planner import plan as make_plan
from eqspec.compile.types.plan import EvalPlan, Plan
from eqspec.errors import EqspecError, FolderMismatch
from eqspec.registry.catalog import open_catalog
from eqspec.runs import checkpoint
from eqspec.runs.folder import RunFolder
from eqspec.runs.log import Log
from eqspec.runs.record import Outcome
from eqspec.runs.results import SUFFIXES, added_results
from eqspec.spec.dump import write_yaml
from eqspec.spec.load import judge_spec

if TYPE_CHECKING:
    from eqspec.build.graph.training_graph import TrainGraph

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
        folder.guard_data(splits.train.fingerprint(), looked_at=splits.train.looked_at)
        check_data(folder, splits.train, plan=request.plan)
        making = _Making(folder, _due(request, folder))
        try:
            for event in _events(request, folder, making.due, splits=splits):
                if isinstance(event, Judging):
                    log.write(f"eqspec eval: {next(told(event))}")
                elif isinstance(event, Evaluated):
                    making.note(event)
                yield event
        finally:
            making.seal()
        if folder.record() is not None:
            yield Sealed(folder=folder.path)


class _Making:
    """What is made in a folder that may be sealed.

    Attributes:
        due: every evaluation with the step it is due after.
    """

    def __init__(self, folder: RunFolder, due: tuple[tuple[EvalPlan, int], ...]) -> None:
        """Compares a sealed folder with its seal, if anything is to be made in it.

        Raises:
            FolderMismatch: when something else than the results that are due differs.
        """
        self.due = due
        self._folder = folder
        self._record = folder.record()
        self._damaged = {
            name for e, step in due for name in damaged_results(folder, evaluation=e, step=step)
        }
        self._made: set[str] = set()
        lacking = any(Judged.read(folder, evaluation=e, step=step) is None for e, step in due)
        if self._record is not None and (lacking or added_results(folder)):
            need_as_sealed(folder, anew=self._damaged)

    def note(self, event: Evaluated) -> None:
        """Knows that the results of an evaluation are there, and those it was to make anew made."""
        self._made |= set(result_names(event.judged.evaluation, step=event.step))

    def seal(self) -> None:
        """Seals a sealed folder again, unless a result is still not the one that was sealed."""
        folder, record = self._folder, self._record
        if record is None or not self._damaged <= self._made:
            return
        if self._damaged or added_results(folder):
            folder.seal(
                Outcome(record.status, record.step, record.reason, record.finished),
                action="eval",
                changed=[f"evaluations/{name}{end}" for name in self._damaged for end in SUFFIXES],
            )


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


def _due(request: EvalRequest, folder: RunFolder) -> tuple[tuple[EvalPlan, int], ...]:
    """Every evaluation with each step that it is due after, by step."""
    steps = _steps(request, folder)
    asked = request.evaluations
    return tuple((e, s) for s in steps for e in asked if s in {0, steps[-1], *e.steps})


def _events(
    request: EvalRequest,
    folder: RunFolder,
    due: Sequence[tuple[EvalPlan, int]],
    *,
    splits: Splits,
) -> Iterator[EvalEvent]:
    """The evaluations that are due, until a stop is wanted."""
    step, graph = -1, None
    for evaluation, after in due:
        if request.should_stop():
            return
        if after != step:
            step, graph = after, None
        if Judged.read(folder, evaluation=evaluation, step=step) is None:
            graph = graph or weights_at(request.plan, folder, step=step)
            damaged = damaged_results(folder, evaluation=evaluation, step=step)
            yield Judging(evaluation=evaluation, step=step, damaged=damaged)
        with within_memory():
            judged = judge_plan(
                folder, graph, plan=request.plan, evaluation=evaluation, splits=splits, step=step
            )
        yield Evaluated(judged=judged, step=step)


def weights_at(plan: Plan, folder: RunFolder, *, step: int) -> TrainGraph | None:
    """The weights of a step; None before training, which an evaluation makes by itself.

    Raises:
        UsageError: when no checkpoint of that step was kept.
        FolderMismatch: when it is damaged.
    """
    if not step and plan.trains:
        return None
    graph = build_graph(plan.graph, seed=plan.seed, device=choose_device(plan.machine.device))
    found = checkpoint.load_step(folder.checkpoints, step=step)
    put_weights(graph, found.tensors, file=found.files[0])
    return graph
