"""`eqspec run`: prepares a plan's run, trains it, evaluates it, seals it.

The same command again continues where the last one stopped.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

from eqspec.build.parallel.strategy import Strategy
from eqspec.build.program import SINGLE
from eqspec.commands.running.damaged_images import with_damage
from eqspec.commands.running.evaluating import evaluate_due, evaluate_run
from eqspec.commands.running.events import (
    Evaluated,
    FloorsKnown,
    Opened,
    Reconstructed,
    RunEvent,
    Sealed,
    Stopped,
)
from eqspec.commands.running.floors import run_floors
from eqspec.commands.running.log_lines import log_lines
from eqspec.commands.running.prepare import CompleteRun, PreparedRun, prepare
from eqspec.commands.running.request import RunRequest
from eqspec.commands.running.training import train_run
from eqspec.report.reconstructions import reconstruction_strip
from eqspec.report.strip import STRIP
from eqspec.runs.artifacts import write_bytes
from eqspec.runs.floors import reconstruction
from eqspec.runs.record import Outcome, Status
from eqspec.runs.results import added_results


def run(request: RunRequest, *, strategy: Strategy = SINGLE) -> Generator[RunEvent]:
    """Run a plan; what its folder contains already is not repeated.

    Args:
        strategy: how the run is spread over processes, each of which calls this.

    Raises:
        FolderMismatch: the folder belongs to another recipe, seed or data.
        RunFailed: training diverged, or did so before.
        EqspecError: training or an evaluation failed. What was saved is kept.
    """
    with prepare(request, strategy=strategy) as prepared:
        if isinstance(prepared, CompleteRun):
            yield from _results(prepared, request)
            return
        stopped = False
        for event in with_damage(_work(prepared), data=prepared.data):
            if prepared.log is not None:
                for line in log_lines(event):
                    prepared.log.write(line)
            yield event
            stopped = stopped or isinstance(event, Stopped)
        if not stopped:
            yield _seal(prepared)


def _results(run: CompleteRun, request: RunRequest) -> Iterator[RunEvent]:
    """Report a run that is complete."""
    plan, folder = request.plan, run.folder.path
    yield Opened(plan=plan, folder=folder, done=plan.train.steps, program=None)
    yield from (
        Evaluated(result=result, step=result.step, trains=plan.trains) for result in run.results
    )
    yield Sealed(folder=folder)


def _work(run: PreparedRun) -> Iterator[RunEvent]:
    """Do all that a run lacks but its seal."""
    warnings, notes = ((), ()) if run.opened is None else (run.opened.warnings, run.opened.notes)
    yield Opened(
        plan=run.plan,
        folder=run.folder.path,
        done=run.model.done,
        program=run.model.program,
        warnings=(*warnings, *run.model.warnings),
        notes=notes,
    )
    floors = run_floors(run)
    if floors is not None:
        yield FloorsKnown(floors)
    if (yield from train_run(run, evaluate=evaluate_due)) and (yield from evaluate_run(run)):
        _draw_reconstructions(run)
        if floors is not None and (found := reconstruction(run.folder)) is not None:
            yield Reconstructed(found)


def _draw_reconstructions(run: PreparedRun) -> None:
    """Save a picture of held-out images beside their reconstructions, where there are decoders."""
    if run.model.program is None or not run.strategy.main:
        return
    with run.model.uncompiled():
        strip = reconstruction_strip(run.model.program, run.data.own.held_out)
    if strip is not None:
        write_bytes(run.folder.path / STRIP, data=strip)


def _seal(run: PreparedRun) -> Sealed:
    if run.log is not None:
        run.log.write("finished")
        added_results(run.folder)
        run.folder.seal(Outcome(status=Status.FINISHED, step=run.plan.train.steps))
    return Sealed(folder=run.folder.path)
