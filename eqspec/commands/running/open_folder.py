"""The folder of a run, opened for writing: created or continued, checked against plan and data."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from eqspec.build.compile_choice import choose_compile
from eqspec.build.cost.trace import trace
from eqspec.build.program import choose_device
from eqspec.build.weights.initial import fit_of
from eqspec.build.weights.published import fit_published
from eqspec.commands.running.data_names import require_same_images
from eqspec.commands.running.due import DueEvaluation, later_evaluations
from eqspec.commands.running.evaluation import EvaluationResult
from eqspec.commands.running.failure import refuse_failed
from eqspec.commands.running.folder_guard import guard
from eqspec.commands.running.log_lines import weights_lines
from eqspec.commands.running.reopen import reopen
from eqspec.commands.running.training_data import begin_data, check_data
from eqspec.runs.environment import collect
from eqspec.runs.folder import Opening, RunFolder
from eqspec.runs.folder_problems import require_sealed_files
from eqspec.runs.record import Status
from eqspec.runs.results import added_results
from eqspec.runs.training_folders import training_folders, training_problem
from eqspec.spec.dump import write_yaml

if TYPE_CHECKING:
    from eqspec.commands.running.request import RunRequest
    from eqspec.compile.types.plan import Plan
    from eqspec.ops.tolerant import Tolerant
    from eqspec.runs.live import Live


@dataclass(frozen=True, slots=True)
class OpenFolder:
    """A run folder whose only writer is this process.

    Attributes:
        live: the heartbeat of this process.
        complete: the run is sealed and lacks nothing.
        damaged: name of a damaged result that is measured again → what is wrong with it.
        warnings: to show at the beginning.
        notes: to log at the beginning.
    """

    live: Live
    complete: bool
    damaged: Mapping[str, str]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


@contextmanager
def open_folder(
    request: RunRequest,
    *,
    train: Tolerant,
    final: tuple[DueEvaluation, ...],
    processes: int = 1,
) -> Generator[OpenFolder]:
    """Create or continue the folder of a run, and keep other writers out.

    Args:
        train: the training split, opened.
        final: evaluations due at the end.
        processes: number of processes that carry out the run.

    Raises:
        FolderMismatch: the folder belongs to another recipe, seed or data.
        RunFailed: it has failed before, and no retry is requested.
        EqspecError: something is missing or cannot be read or written.
    """
    plan, begun = request.plan, _begun(request)
    warnings, notes = _check_weights(plan) if begun is None else ((), ())
    with (begun or RunFolder(request.folder)).hold() as live:
        folder = begun or RunFolder.create(
            request.folder, opening=_opening(request, processes=processes)
        )
        folder.finish_sealing()
        require_same_images(folder, train, data=request.options.data)
        damaged: Mapping[str, str] = {}
        complete = _is_complete(folder, final)
        if complete:
            require_sealed_files(folder)
        else:
            refuse_failed(folder, retry=request.options.retry)
            warnings += check_data(folder, train, plan=plan)
            damaged = reopen(folder, (*final, *later_evaluations(plan, folder)))
            begin_data(folder, train, plan=plan)
        yield OpenFolder(live, complete, damaged, warnings, notes)


def _begun(request: RunRequest) -> RunFolder | None:
    """Return the run's folder if it exists, after checking that it belongs to the same plan."""
    if not (request.folder / "plan.json").is_file():
        return None
    folder = RunFolder.open(request.folder)
    folder.sealed().require("plan.json")
    guard(folder, request.plan)
    return folder


def _check_weights(plan: Plan) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return warnings and notes on the weights that a new run starts from.

    Raises:
        EqspecError: they do not fit; before a folder is created for them.
    """
    fit, published = fit_of(plan), fit_published(plan)
    warnings = (f"weights from `init_from`: {fit}",) if fit and not fit.whole else ()
    return warnings, () if published is None else weights_lines(published)


def _is_complete(folder: RunFolder, final: tuple[DueEvaluation, ...]) -> bool:
    """Return whether a run is finished with all of its results, and they alone, in its seal.

    Also false where a file of an evaluation's training differs from the seal; checkpoints are not
    read for this.
    """
    record = folder.record()
    if record is None or record.status is not Status.FINISHED:
        return False
    found = (EvaluationResult.read(folder, evaluation=e, step=step) for e, step in final)
    if any(result is None for result in found) or added_results(folder):
        return False
    trainings = training_folders(folder)
    return not any(training_problem(folder, one, checkpoints=False) for one in trainings)


def _opening(request: RunRequest, *, processes: int) -> Opening:
    """Return what a new run folder contains from the beginning."""
    plan = request.plan
    device = choose_device(plan.machine.device)
    names = (torch.cuda.get_device_name(device),) if device.type == "cuda" else ()
    environment = collect(threads=torch.get_num_threads(), accelerators=names, processes=processes)
    cost = trace(plan)
    compiled = plan.trains and choose_compile(plan, device=device, traced=lambda: cost).compiled
    return Opening(
        spec=request.spec_text,
        resolved=write_yaml(plan.resolved),
        plan=plan.model_dump(mode="json", by_alias=True),
        trace=dataclasses.asdict(cost),
        environment=environment.model_copy(update={"compiled": compiled}),
    )
