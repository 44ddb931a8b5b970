"""`eqspec eval`: carry out the missing evaluations of a finished or stopped run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eqspec.build.program import SINGLE
from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations, read_all_asked
from eqspec.commands.planning.schedule import evaluation_steps
from eqspec.commands.running.chosen_evaluations import damaged_steps
from eqspec.commands.running.data_names import require_same_images
from eqspec.commands.running.due import DueEvaluation
from eqspec.commands.running.evaluation import (
    EvaluationResult,
    damaged_results,
    damaged_trainings,
    forget_results,
    result_names,
    training_of,
)
from eqspec.commands.running.evaluator import Evaluator
from eqspec.commands.running.events import Evaluated, Evaluating, RunEvent, Sealed
from eqspec.commands.running.fine_tuning import FineTuner
from eqspec.commands.running.log_lines import log_lines
from eqspec.commands.running.model import weights_at
from eqspec.commands.running.options import RunOptions, never
from eqspec.commands.running.out_of_memory import within_memory
from eqspec.commands.running.reopen import require_as_sealed
from eqspec.commands.running.run_data import RunData, open_data
from eqspec.commands.running.training_data import check_data
from eqspec.compile.types.plan import EvalPlan, Plan
from eqspec.errors import EqspecError
from eqspec.runs import checkpoint
from eqspec.runs.added_evaluations import save_added
from eqspec.runs.folder import RunFolder
from eqspec.runs.live import features_folder
from eqspec.runs.log import Log
from eqspec.runs.record import Outcome
from eqspec.runs.results import SUFFIXES, added_results


@dataclass(frozen=True, slots=True)
class EvalRequest:
    """A run to evaluate.

    Attributes:
        plan: of the run.
        folder: of the run.
        evaluations: wanted.
        data: locations of datasets on this machine.
        should_stop: called before every evaluation.
    """

    plan: Plan
    folder: Path
    evaluations: tuple[EvalPlan, ...]
    data: DataLocations = NO_LOCATIONS
    should_stop: Callable[[], bool] = never


def evaluate_run(request: EvalRequest) -> Generator[RunEvent]:
    """Evaluate a run and save the results; a result that exists is read.

    The untrained encoder is evaluated too, as the baseline of a trained one. A sealed run is sealed
    again, and the new seal refers to the previous one.

    Raises:
        FolderMismatch: the data differ from the run's, or its files have changed.
        UsageError: the command names a location of a dataset that is not read.
        EqspecError: no checkpoint was saved yet, or an evaluation fails.
    """
    # The run's own too: this command may repeat the options of `run`.
    used = (*request.plan.datasets, *(e.data for e in request.evaluations))
    read_all_asked(request.data, used)
    data = open_data(request.plan, locations=request.data, evaluations=request.evaluations)
    folder, train = RunFolder.open(request.folder), data.own.train
    with folder.hold(), Log(folder.log) as log:
        folder.finish_sealing()
        require_same_images(folder, train, data=request.data)
        check_data(folder, train, plan=request.plan)
        due = _due(request, folder)
        seal = _Reseal(folder, due)
        try:
            evaluator = Evaluator(
                folder, request.plan, data=data, features=features_folder(folder.path)
            )
            options = RunOptions(folder.path, data=request.data, should_stop=request.should_stop)
            tuner = FineTuner(folder, request.plan, options=options, strategy=SINGLE)
            work = _Work(evaluator, tuner, data)
            for event in _events(request, folder, due, work=work, damaged=seal.damaged):
                if isinstance(event, Evaluating):
                    log.write(f"eqspec eval: {next(log_lines(event))}")
                elif isinstance(event, Evaluated):
                    seal.note(event)
                yield event
        finally:
            seal.renew()
        if folder.record() is not None:
            yield Sealed(folder=folder.path)


class _Reseal:
    """The seal of a folder to which results are added; an unsealed folder stays unsealed.

    Attributes:
        damaged: name of a result that is due and damaged → what is wrong with it.
    """

    def __init__(self, folder: RunFolder, due: Sequence[DueEvaluation]) -> None:
        """Compare a sealed folder with its seal, if any result is due in it.

        Raises:
            FolderMismatch: a file other than the results that are due differs.
        """
        self._folder = folder
        self._record = folder.record()
        self.damaged = {
            name: trouble
            for e, step in due
            for name, trouble in damaged_results(folder, evaluation=e, step=step).items()
        }
        self._measured: set[str] = set()
        lacking = any(
            EvaluationResult.read(folder, evaluation=e, step=step) is None for e, step in due
        )
        if self._record is not None and (lacking or self.damaged or added_results(folder)):
            require_as_sealed(folder, replaced=self.damaged)
        for evaluation, step in due:  # whose own files may be whole
            forget_results(folder, damaged_trainings(folder, evaluation=evaluation, step=step))

    def note(self, event: Evaluated) -> None:
        """Note that the results of an evaluation are whole now."""
        self._measured |= set(result_names(event.result.evaluation, step=event.step))

    def renew(self) -> None:
        """Seal a sealed folder again, unless a damaged result is still there."""
        folder, record = self._folder, self._record
        if record is None or not self.damaged.keys() <= self._measured:
            return
        if self.damaged or added_results(folder):
            folder.seal(
                Outcome(record.status, record.step, record.reason, record.finished),
                action="eval",
                changed=[
                    *(f"evaluations/{name}{end}" for name in self.damaged for end in SUFFIXES),
                    *(training_of(name) for name in self.damaged),
                ],
            )


def _due(request: EvalRequest, folder: RunFolder) -> tuple[DueEvaluation, ...]:
    """Return every evaluation with each step that it is due after, by step.

    These are 0, the steps of its timetable or of damaged results whose checkpoints were kept, and
    the last checkpoint.
    """
    saved = checkpoint.steps(folder.checkpoints)
    if not saved:
        raise EqspecError(
            f"`{folder.path}` has no checkpoint: there is nothing to evaluate yet",
            help="`eqspec run` continues it",
        )
    last = saved[-1]
    wanted = {
        e.id: {
            last,
            *evaluation_steps(request.plan, e, untrained=True),
            *damaged_steps(folder, e),
        }
        for e in request.evaluations
    }
    return tuple(
        DueEvaluation(evaluation, step)
        for step in sorted({0, *saved})
        for evaluation in request.evaluations
        if step in wanted[evaluation.id]
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """Objects that carry out the evaluations of a run."""

    evaluator: Evaluator
    tuner: FineTuner
    data: RunData


def _events(
    request: EvalRequest,
    folder: RunFolder,
    due: Sequence[DueEvaluation],
    *,
    work: _Work,
    damaged: Mapping[str, str],
) -> Iterator[RunEvent]:
    """Carry out the evaluations that are due, until a stop is requested."""
    at, graph = -1, None
    own = {evaluation.id for evaluation in request.plan.evaluations}
    for evaluation, step in due:
        if request.should_stop():
            return
        if step != at:
            at, graph = step, None
        missing = EvaluationResult.read(folder, evaluation=evaluation, step=step) is None
        if missing:
            graph = graph or weights_at(request.plan, folder, step=step)
            names = result_names(evaluation, step=step)
            again = {name: damaged[name] for name in names if name in damaged}
            yield Evaluating(
                evaluation=evaluation, step=step, trains=request.plan.trains, damaged=again
            )
        with within_memory():
            on = work.data.of(evaluation)
            if not (yield from work.tuner.train(evaluation, step=step, graph=graph, data=on)):
                return
            evaluated = work.evaluator.evaluate(evaluation, step=step, graph=graph)
        if missing and evaluation.id not in own:
            save_added(folder, evaluation)
        yield Evaluated(result=evaluated, step=step, trains=request.plan.trains)
