"""`eqspec run`: trains a plan in its folder, evaluates, seals; again, goes on where it stopped."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import torch

from eqspec.build.cost.trace import trace
from eqspec.build.program import choose_device, will_compile
from eqspec.build.weights.initial import fit_of
from eqspec.build.weights.published import fit_published
from eqspec.commands.running.damaged_images import with_damage
from eqspec.commands.running.evaluation import open_splits
from eqspec.commands.running.events import Evaluated, Opened, RunEvent, Sealed
from eqspec.commands.running.folder_guard import guard
from eqspec.commands.running.log_lines import told, told_published
from eqspec.commands.running.out_of_memory import within_memory
from eqspec.commands.running.reopen import reopen
from eqspec.commands.running.request import RunRequest
from eqspec.commands.running.session import Attempt, stored_results
from eqspec.commands.running.training_data import begin_data, check_data
from eqspec.compile.types.plan import Plan
from eqspec.engine.finite_check import NotFinite
from eqspec.errors import EqspecError
from eqspec.runs import checkpoint
from eqspec.runs.environment import collect
from eqspec.runs.folder import Opening, RunFolder
from eqspec.runs.log import Log
from eqspec.runs.quick_check import need_all_there
from eqspec.runs.record import Outcome, RunRecord, Status
from eqspec.runs.results import added_results
from eqspec.spec.dump import write_yaml


class RunFailed(EqspecError):
    """A run whose numbers ended; its folder is sealed as failed, and keeps what was saved."""

    def __init__(self, message: str, *, folder: Path, advice: str | None) -> None:
        super().__init__(message, help=advice)
        self.folder = folder


def run(request: RunRequest) -> Generator[RunEvent]:
    """Runs a plan; whatever happened before in its folder is not done again.

    Raises:
        FolderMismatch: when the folder belongs to another recipe, seed or data.
        RunFailed: when its numbers end, or did so before.
        EqspecError: when training or an evaluation fails. What was saved stays.
    """
    plan, path = request.plan, request.folder
    splits = open_splits(plan, data=request.options.data)
    folder = _existing(path, plan)
    fit = fit_of(plan) if folder is None else None
    published = fit_published(plan) if folder is None else None
    with (folder or RunFolder(path)).hold() as live:
        if folder is None:
            folder = RunFolder.create(path, opening=_opening(request))
        folder.finish_sealing()
        folder.guard_data(splits.train.fingerprint(), looked_at=splits.train.looked_at)
        record = folder.record()
        stored = stored_results(request, folder)
        finished = record is not None and record.status is Status.FINISHED
        if finished and None not in stored and not added_results(folder):
            need_all_there(folder)
            yield Opened(plan=plan, folder=path, done=plan.train.steps, program=None)
            yield from (Evaluated(judged=j, step=j.step) for j in stored if j is not None)
            yield Sealed(folder=path)
            return
        if record is not None and record.status is Status.FAILED and not request.options.retry:
            raise _failed_before(folder, record)
        warnings = (f"weights from `init_from`: {fit}",) if fit and not fit.whole else ()
        warnings += check_data(folder, splits.train, plan=plan)
        anew = reopen(request, folder)
        begin_data(folder, splits.train, plan=plan)
        notes = () if published is None else told_published(published)
        with Log(folder.log) as log:
            attempt = Attempt(request, folder, splits=splits, live=live, anew=anew)
            happened = attempt.events(warnings=warnings, notes=notes)
            yield from _logged(with_damage(happened, splits=splits), folder=folder, log=log)


def _existing(path: Path, plan: Plan) -> RunFolder | None:
    if not (path / "plan.json").is_file():
        return None
    folder = RunFolder.open(path)
    folder.sealed().need("plan.json")
    guard(folder, plan)
    return folder


def _logged(events: Iterator[RunEvent], *, folder: RunFolder, log: Log) -> Iterator[RunEvent]:
    """The events, told in the log; so is what ends them before their time."""
    try:
        with within_memory():
            for event in events:
                for text in told(event):
                    log.write(text)
                if isinstance(event, Sealed):
                    added_results(folder)
                    steps = folder.identity().train.steps
                    folder.seal(Outcome(status=Status.FINISHED, step=steps))
                yield event
    except NotFinite as error:
        raise _fail(folder, error, log=log) from error
    except (Exception, KeyboardInterrupt) as error:
        with suppress(EqspecError):  # a full disk takes no more lines either
            log.write(_ended_by(error))
        raise


def _ended_by(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "stopped at once; what was saved is kept"
    kind = "" if isinstance(error, EqspecError) else f"{type(error).__name__}: "
    return f"failed: {kind}{error}"


def _fail(folder: RunFolder, error: NotFinite, *, log: Log) -> RunFailed:
    """Seals a run whose numbers ended: the same command would end the same way."""
    saved = checkpoint.steps(folder.checkpoints)
    kept = f"the checkpoint of step {saved[-1]} is kept" if saved else "no checkpoint was due yet"
    with suppress(EqspecError):  # unsealed it can be gone on with as well
        log.write(f"failed: {error.message}; {kept}")
        added_results(folder)
        folder.seal(Outcome(status=Status.FAILED, step=error.step - 1, reason=error.message))
    return RunFailed(f"{error.message}; {kept}", folder=folder.path, advice=error.help)


def _failed_before(folder: RunFolder, record: RunRecord) -> RunFailed:
    saved = checkpoint.steps(folder.checkpoints)
    since = f"step {saved[-1]}" if saved else "the beginning"
    return RunFailed(
        f"`{folder.path}` has failed: {record.reason}",
        folder=folder.path,
        advice="the same settings end the same way: change one with --set, which makes another "
        f"run; should the machine be to blame, --retry goes on from {since}",
    )


def _opening(request: RunRequest) -> Opening:
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
