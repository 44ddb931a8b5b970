"""Preparation of a run: its data and folder are opened, and its model is built.

Training, evaluation and sealing work on the `PreparedRun` and open nothing again.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eqspec.build.parallel.lost_peer import noticing_lost_peers
from eqspec.commands.running.decisions import Decisions
from eqspec.commands.running.due import DueEvaluation, final_evaluations
from eqspec.commands.running.evaluation import EvaluationResult
from eqspec.commands.running.evaluator import Evaluator
from eqspec.commands.running.failure import recorded_failure
from eqspec.commands.running.model import Model, build_model
from eqspec.commands.running.open_folder import OpenFolder, open_folder
from eqspec.commands.running.out_of_memory import within_memory
from eqspec.commands.running.run_data import RunData, need_runs_elsewhere, open_data
from eqspec.runs.folder import RunFolder
from eqspec.runs.live import features_folder
from eqspec.runs.log import Log

if TYPE_CHECKING:
    from eqspec.build.parallel.strategy import Strategy
    from eqspec.commands.running.request import RunRequest
    from eqspec.compile.types.plan import Plan


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run with everything open that it needs.

    Attributes:
        data: every dataset, open.
        model: with the weights to continue from.
        evaluator: of the model on the data.
        decisions: when to stop, save and evaluate.
        final: evaluations due at the end.
        opened: the folder, open for writing; None on all processes but the main one.
        log: `log.txt`, likewise.
    """

    request: RunRequest
    strategy: Strategy
    folder: RunFolder
    data: RunData
    model: Model
    evaluator: Evaluator
    decisions: Decisions
    final: tuple[DueEvaluation, ...]
    opened: OpenFolder | None
    log: Log | None

    @property
    def plan(self) -> Plan:
        """The plan that is run."""
        return self.request.plan


@dataclass(frozen=True, slots=True)
class CompleteRun:
    """A sealed run that lacks nothing.

    Attributes:
        results: of the evaluations at its end.
    """

    folder: RunFolder
    results: tuple[EvaluationResult, ...]


@contextmanager
def prepare(request: RunRequest, *, strategy: Strategy) -> Generator[PreparedRun | CompleteRun]:
    """Open everything that a run needs, and keep other writers out of its folder.

    Raises:
        FolderMismatch: the folder belongs to another recipe, seed or data.
        RunFailed: it has failed before, and no retry is requested.
        EqspecError: something is missing or cannot be read.
    """
    plan, folder = request.plan, RunFolder(request.folder)
    data = open_data(plan, locations=request.options.data)
    need_runs_elsewhere(data, folder.path)
    final = final_evaluations(plan, untrained=request.untrained)
    with ExitStack() as stack:
        opened = None
        if strategy.main:
            opening = open_folder(
                request, train=data.own.train, final=final, processes=strategy.world.size
            )
            opened = stack.enter_context(opening)
        # Other processes wait here until the folder is ready.
        if strategy.decide(opened is not None and opened.complete):
            found = (EvaluationResult.read(folder, evaluation=e, step=step) for e, step in final)
            yield CompleteRun(folder, tuple(result for result in found if result is not None))
            return
        log = None
        if opened is not None:
            log = stack.enter_context(Log(folder.log))
            stack.enter_context(recorded_failure(folder, log=log))
        stack.enter_context(within_memory())
        stack.enter_context(noticing_lost_peers(strategy.world))
        pauses = {pause.step for pause in plan.timetable}
        model = build_model(plan, folder, train=data.own.train, strategy=strategy)
        yield PreparedRun(
            request=request,
            strategy=strategy,
            folder=folder,
            data=data,
            model=model,
            evaluator=Evaluator(folder, plan, data=data, features=features_folder(folder.path)),
            decisions=Decisions(request.options, pauses=pauses, strategy=strategy),
            final=final,
            opened=opened,
            log=log,
        )
