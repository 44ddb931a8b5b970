"""One process's share of a run: from what is saved to the end of the plan, or to a stop."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING

from eqspec.build.program import (
    Program,
    build_graph,
    build_program,
    choose_device,
    initial_graph,
)
from eqspec.build.weights.restore import put_optimizer, put_weights
from eqspec.commands.running.deadline import Budget
from eqspec.commands.running.evaluation import (
    Judged,
    damaged_results,
    judge_plan,
    result_names,
)
from eqspec.commands.running.events import (
    Compiled,
    Evaluated,
    Judging,
    Opened,
    RunEvent,
    Saved,
    Sealed,
    Stopped,
    Why,
)
from eqspec.commands.running.journals import Records
from eqspec.commands.running.request import RunRequest
from eqspec.commands.running.training_data import save_known
from eqspec.compile.types.plan import EvalPlan, Pause, Plan
from eqspec.engine.events import Event, Paused, Stepped
from eqspec.engine.finite_check import need_finite_weights
from eqspec.engine.train import train
from eqspec.ops.decode import LostImage
from eqspec.report.reconstructions import reconstruction_strip
from eqspec.report.strip import STRIP
from eqspec.runs import checkpoint
from eqspec.runs.artifacts import write_bytes
from eqspec.runs.folder import RunFolder
from eqspec.runs.keep import Keep
from eqspec.runs.quick_check import need_rows

if TYPE_CHECKING:
    from eqspec.build.graph.training_graph import TrainGraph
    from eqspec.commands.running.evaluation import Splits
    from eqspec.runs.live import Live

SAVE_AFTER = 900.0
"""Seconds after which a checkpoint is due even between pauses: a kill loses no more than that."""


def stored_results(request: RunRequest, folder: RunFolder) -> tuple[Judged | None, ...]:
    """What the end of the run asks for, as far as a folder holds it."""
    return tuple(
        Judged.read(folder, evaluation=evaluation, step=step)
        for step in last_steps(request)
        for evaluation in request.plan.evaluations
    )


def last_steps(request: RunRequest) -> tuple[int, ...]:
    """After which steps the encoder is judged at the end of a run; 0 is before any training."""
    last = request.plan.train.steps
    return (0, last) if request.untrained and last else (last,)


class Attempt:
    """Trains, judges and saves in a folder that this process holds; whoever drives it seals."""

    def __init__(
        self,
        request: RunRequest,
        folder: RunFolder,
        *,
        splits: Splits,
        live: Live,
        anew: Mapping[str, str],
    ) -> None:
        """Does nothing yet.

        Args:
            anew: name of each result that was not the one that was sealed → what was wrong with it.
        """
        self._request = request
        self._folder = folder
        self._splits = splits
        self._live = live
        self._anew = anew
        self._pauses = {pause.step: pause for pause in request.plan.timetable}
        self._budget = Budget(request.options.deadline)
        self._done = 0
        self._saved = (-1, time.monotonic())

    def events(
        self, *, warnings: tuple[str, ...] = (), notes: tuple[str, ...] = ()
    ) -> Iterator[RunEvent]:
        """Everything that happens; `Sealed` comes last, when all is done but the seal.

        Args:
            warnings: to be said at the beginning.
            notes: to be written down there.
        """
        plan, folder = self._request.plan, self._folder
        if not plan.trains:
            yield from self._judged_alone(warnings=warnings, notes=notes)
            return
        program = build_program(plan, dataset=self._splits.train)
        found = checkpoint.load(folder.checkpoints)
        self._done = _restore(program, found)
        if self._done:  # from step 0 on, every row is written anew
            need_rows(folder, through=self._done)
        yield Opened(
            plan=plan,
            folder=folder.path,
            done=self._done,
            program=program,
            warnings=(*warnings, *(found.warnings if found else ())),
            notes=notes,
        )
        with Records(folder) as records:
            records.rewind(self._done)
            if self._done in self._pauses:
                yield from self._judge_at(self._pauses[self._done], program)
            why = yield from self._trained(program, records=records)
            if self._done < plan.train.steps:
                yield from self._save(program, records=records)
                yield Stopped(folder=folder.path, step=self._done, why=why or Why.STEPS)
                return
        if (yield from self._finish(program.graph)):
            self._picture(program)
            yield Sealed(folder=folder.path)

    def _trained(
        self, program: Program, *, records: Records
    ) -> Generator[RunEvent, None, Why | None]:
        """The training to its end, or to a stop; returns why it stopped."""
        try:
            for event in train(program, start=self._done, until=self._request.options.steps):
                yield from self._taken(event, program, records=records)
                due = isinstance(event, Stepped) and event.step in self._pauses
                # A stop before a pause would leave out what the pause is for.
                why = None if due else self._wish()
                if why is not None:
                    return why
        except LostImage:
            # The steps that are done were right; they need not be done again.
            if self._done > 0:
                yield from self._save(program, records=records)
            raise
        return None

    def _judged_alone(
        self, *, warnings: tuple[str, ...], notes: tuple[str, ...]
    ) -> Iterator[RunEvent]:
        """Published weights as they are: kept as the checkpoint of step 0, and judged."""
        plan, folder = self._request.plan, self._folder
        graph, found = kept_graph(plan, folder)
        said = (*warnings, *(found.warnings if found else ()))
        yield Opened(
            plan=plan, folder=folder.path, done=0, program=None, warnings=said, notes=notes
        )
        if found is None:
            checkpoint.save(folder.checkpoints, step=0, tensors=graph.state_dict(), state={})
            yield Saved(step=0)
        if (yield from self._finish(graph)):
            yield Sealed(folder=folder.path)

    def _taken(self, event: Event, program: Program, *, records: Records) -> Iterator[RunEvent]:
        """Writes down what the engine says, and does what is due."""
        records.note(event)
        if isinstance(event, Paused):
            if event.pause.checkpoint:
                yield from self._save(program, records=records)
            yield from self._judge_at(event.pause, program)
            return
        yield event
        if isinstance(event, Stepped):
            self._done = event.step
            self._budget.stepped(event.seconds)
            self._live.beat(step=event.step)
            if event.compiled is not None:
                late = event.settled and event.compiled.forms > 0
                yield Compiled(step=event.step, work=event.compiled, late=late)
            if time.monotonic() - self._saved[1] > SAVE_AFTER and event.step not in self._pauses:
                yield from self._save(program, records=records)

    def _wish(self) -> Why | None:
        """Why to stop now, if at all."""
        if self._request.options.should_stop():
            return Why.ASKED
        return None if self._budget.fits_step() else Why.TIME

    def _save(self, program: Program, *, records: Records) -> Iterator[RunEvent]:
        """A checkpoint of the step at hand, unless there is one."""
        if self._saved[0] == self._done:
            return
        began = time.monotonic()
        tensors = program.graph.state_dict()
        need_finite_weights(tensors, step=self._done)
        records.sync()
        save_known(self._folder, self._splits.train)
        keep = self._request.plan.keep
        checkpoint.save(
            self._folder.checkpoints,
            step=self._done,
            tensors=tensors,
            state={"optimizer": program.optimizer.state_dict()},
            keep=Keep(last=keep.last, every=keep.every),
        )
        self._saved = (self._done, time.monotonic())
        self._budget.saved(time.monotonic() - began)
        yield Saved(step=self._done)

    def _finish(self, graph: TrainGraph) -> Generator[RunEvent, None, bool]:
        """Judges once the weights stand still for good; whether all of it is done."""
        plan = self._request.plan
        for step in last_steps(self._request):
            at_hand = graph if step == plan.train.steps else None
            for evaluation in plan.evaluations:
                yield from self._judge(evaluation, at_hand, step=step)
        if None not in stored_results(self._request, self._folder):
            return True
        why = Why.ASKED if self._request.options.should_stop() else Why.TIME
        yield Stopped(folder=self._folder.path, step=plan.train.steps, why=why)
        return False

    def _picture(self, program: Program) -> None:
        """What the decoders make of held-out images, where there are any."""
        strip = reconstruction_strip(program, self._splits.held_out)
        if strip is not None:
            write_bytes(self._folder.path / STRIP, data=strip)

    def _judge_at(self, pause: Pause, program: Program) -> Iterator[RunEvent]:
        """The evaluations of a pause before the last one."""
        if pause.step == self._request.plan.train.steps:
            return
        for evaluation in self._request.plan.evaluations:
            if evaluation.id in pause.evaluations:
                yield from self._judge(evaluation, program.graph, step=pause.step)

    def _judge(
        self, evaluation: EvalPlan, graph: TrainGraph | None, *, step: int
    ) -> Iterator[RunEvent]:
        """One evaluation, unless the run is to stop."""
        request, folder = self._request, self._folder
        if request.options.should_stop() or not self._budget.fits_judging():
            return
        if Judged.read(folder, evaluation=evaluation, step=step) is None:
            names = result_names(evaluation, step=step)
            damaged = {name: self._anew[name] for name in names if name in self._anew}
            damaged |= damaged_results(folder, evaluation=evaluation, step=step)
            yield Judging(evaluation=evaluation, step=step, damaged=damaged)
        began = time.monotonic()
        judged = judge_plan(
            folder,
            graph,
            plan=request.plan,
            evaluation=evaluation,
            splits=self._splits,
            step=step,
        )
        self._budget.judged(time.monotonic() - began)
        yield Evaluated(judged=judged, step=step)


def kept_graph(plan: Plan, folder: RunFolder) -> tuple[TrainGraph, checkpoint.Checkpoint | None]:
    """Published weights as the folder keeps them; from their file where it does not yet."""
    found = checkpoint.load(folder.checkpoints)
    device = choose_device(plan.machine.device)
    if found is None:
        return initial_graph(plan, device=device), None
    graph = build_graph(plan.graph, seed=plan.seed, device=device)
    put_weights(graph, found.tensors, file=found.files[0])
    return graph, found


def _restore(program: Program, found: checkpoint.Checkpoint | None) -> int:
    """Puts a checkpoint's weights and optimizer state in place; returns the steps that are done."""
    if found is None:
        return 0
    tensors, state = found.files
    put_weights(program.graph, found.tensors, file=tensors)
    put_optimizer(program.optimizer, found.state, plan=program.plan, file=state)
    return found.step
