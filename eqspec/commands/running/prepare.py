"""Prepares a run: opens its data and folder, settles what is left to do, builds its model.

What happened before in the folder is not repeated. Training, evaluating and sealing work on a
`PreparedRun` and look nothing up again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from eqspec.build.cost.trace import trace
from eqspec.build.program import choose_device, will_compile
from eqspec.build.weights.initial import fit_of
from eqspec.build.weights.published import fit_published
from eqspec.commands.running.decisions import Decisions
from eqspec.commands.running.due import DueEvaluation, final_evaluations, later_evaluations
from eqspec.commands.running.evaluation import Judged
from eqspec.commands.running.evaluator import Evaluator
from eqspec.commands.running.failure import recorded_failure, refuse_failed
from eqspec.commands.running.folder_guard import guard
from eqspec.commands.running.log_lines import told_published
from eqspec.commands.running.model import Model, build_model
from eqspec.commands.running.out_of_memory import within_memory
from eqspec.commands.running.reopen import reopen
from eqspec.commands.running.run_data import RunData, open_data
from eqspec.commands.running.training_data import begin_data, check_data
from eqspec.runs.environment import collect
from eqspec.runs.folder import Opening, RunFolder
from eqspec.runs.log import Log
from eqspec.runs.quick_check import need_all_there
from eqspec.runs.record import Status
from eqspec.runs.results import added_results
from eqspec.spec.dump import write_yaml

if TYPE_CHECKING:
    from eqspec.commands.running.request import RunRequest
    from eqspec.compile.types.plan import Plan
    from eqspec.runs.live import Live


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run with everything open that it needs.

    Attributes:
        folder: of the run; this process is its only writer.
        live: the heartbeat of this process.
        log: `log.txt`, open.
        data: every dataset, open.
        model: with the weights to continue from.
        evaluator: of the model on the data.
        decisions: when to stop, save and evaluate.
        final: evaluations due at the end.
        damaged: name of a damaged result that is measured anew → what is wrong with it.
        warnings: to show at the beginning.
        notes: to log at the beginning.
    """

    request: RunRequest
    folder: RunFolder
    live: Live
    log: Log
    data: RunData
    model: Model
    evaluator: Evaluator
    decisions: Decisions
    final: tuple[DueEvaluation, ...]
    damaged: Mapping[str, str]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

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
    results: tuple[Judged, ...]


@contextmanager
def prepare(request: RunRequest) -> Generator[PreparedRun | CompleteRun]:
    """Open everything that a run needs, and keep other writers out of its folder.

    Raises:
        FolderMismatch: the folder belongs to another recipe, seed or data.
        RunFailed: it has failed before, and no retry is requested.
        EqspecError: something is missing or cannot be read.
    """
    plan = request.plan
    data = open_data(plan, locations=request.options.data)
    begun = _begun(request)
    warnings, notes = _check_weights(plan) if begun is None else ((), ())
    with (begun or RunFolder(request.folder)).hold() as live:
        folder = begun or RunFolder.create(request.folder, opening=_opening(request))
        folder.finish_sealing()
        folder.guard_data(data.own.train.fingerprint(), looked_at=data.own.train.looked_at)
        final = final_evaluations(plan, untrained=request.untrained)
        results = _complete(folder, final)
        if results is not None:
            need_all_there(folder)
            yield CompleteRun(folder, results)
            return
        refuse_failed(folder, retry=request.options.retry)
        warnings += check_data(folder, data.own.train, plan=plan)
        damaged = reopen(folder, (*final, *later_evaluations(plan, folder)))
        begin_data(folder, data.own.train, plan=plan)
        with Log(folder.log) as log, recorded_failure(folder, log=log), within_memory():
            model = build_model(plan, folder, train=data.own.train)
            yield PreparedRun(
                request=request,
                folder=folder,
                live=live,
                log=log,
                data=data,
                model=model,
                evaluator=Evaluator(folder, plan, data=data),
                decisions=Decisions(request.options, pauses={p.step for p in plan.timetable}),
                final=final,
                damaged=damaged,
                warnings=(*warnings, *model.warnings),
                notes=notes,
            )


def _begun(request: RunRequest) -> RunFolder | None:
    """Return the run's folder if it exists, after a check that it belongs to the same plan."""
    if not (request.folder / "plan.json").is_file():
        return None
    folder = RunFolder.open(request.folder)
    folder.sealed().need("plan.json")
    guard(folder, request.plan)
    return folder


def _check_weights(plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return warnings and notes on the weights that a new run starts from.

    Raises:
        EqspecError: they do not fit; before a folder is created for them.
    """
    fit, published = fit_of(plan), fit_published(plan)
    warnings = (f"weights from `init_from`: {fit}",) if fit and not fit.whole else ()
    return warnings, () if published is None else told_published(published)


def _complete(folder: RunFolder, final: tuple[DueEvaluation, ...]) -> tuple[Judged, ...] | None:
    """Return all results of a finished run; None if it is not finished or lacks one."""
    record = folder.record()
    if record is None or record.status is not Status.FINISHED:
        return None
    found = [Judged.read(folder, evaluation=e, step=step) for e, step in final]
    results = tuple(result for result in found if result is not None)
    return None if len(results) < len(found) or added_results(folder) else results


def _opening(request: RunRequest) -> Opening:
    """Return what a new run folder contains from the beginning."""
    plan = request.plan
    device = choose_device(plan.machine.device)
    names = (torch.cuda.get_device_name(device),) if device.type == "cuda" else ()
    environment = collect(threads=torch.get_num_threads(), accelerators=names)
    return Opening(
        spec=request.spec_text,
        resolved=write_yaml(plan.resolved),
        plan=plan.model_dump(mode="json", by_alias=True),
        trace=dataclasses.asdict(trace(plan)),
        environment=environment.model_copy(update={"compiled": plan.trains and will_compile(plan)}),
    )
