"""Training of a prepared run to the end of its plan or to a stop, with its checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

from eqspec.commands.running.due import DueEvaluation, evaluations_at
from eqspec.commands.running.events import Compiled, RunEvent, Saved, Stopped, StopReason
from eqspec.commands.running.journals import Journals, open_journals
from eqspec.commands.running.shared_reading import share_reading
from eqspec.commands.running.training_data import save_known
from eqspec.engine.events import Event, Paused, Stepped
from eqspec.engine.finite_check import need_finite_weights
from eqspec.engine.train import train
from eqspec.ops.decode import LostImage
from eqspec.runs import checkpoint

if TYPE_CHECKING:
    from eqspec.build.program import Program
    from eqspec.commands.running.prepare import PreparedRun


Evaluate = Callable[["PreparedRun", Iterable[DueEvaluation]], Iterator[RunEvent]]
"""Function that carries out evaluations of the current weights."""


def train_run(run: PreparedRun, *, evaluate: Evaluate) -> Generator[RunEvent, None, bool]:
    """Train a run; return whether its plan is trained to the end.

    Args:
        evaluate: called at the pauses of the plan.

    Raises:
        NotFinite: a loss, a gradient or a weight is not finite.
        LostImage: an image cannot be read any more; the steps before it are saved.
    """
    program = run.model.program
    if program is None:
        yield from _keep_published(run)
        return True
    with open_journals(run.folder) if run.strategy.main else nullcontext() as journals:
        if journals is not None:
            journals.rewind(run.model.done)
        training = _Training(run, program, journals=journals, evaluate=evaluate)
        return (yield from training.events())


def _keep_published(run: PreparedRun) -> Iterator[RunEvent]:
    """Save published weights that are not trained as the checkpoint of step 0."""
    if run.model.saved is None and run.strategy.main:
        tensors = run.model.graph.state_dict()
        checkpoint.save(run.folder.checkpoints, step=0, tensors=tensors, state={})
        yield Saved(step=0)


class _Training:
    """A training in progress: how many steps are done, and which of them are saved."""

    def __init__(
        self, run: PreparedRun, program: Program, *, journals: Journals | None, evaluate: Evaluate
    ) -> None:
        self._run = run
        self._program = program
        self._journals = journals
        self._evaluate_due = evaluate
        self._done = run.model.done
        self._saved: int | None = None

    def events(self) -> Generator[RunEvent, None, bool]:
        """Train to the end or to a stop; return whether the end is reached."""
        run, until, before = self._run, self._run.request.options.steps, self._done
        pauses = {pause.step: pause for pause in run.plan.timetable}
        reason: StopReason | None = None
        if self._done in pauses:
            yield from self._evaluate(Paused(step=self._done, pause=pauses[self._done]))
        try:
            for event in train(self._program, start=self._done, until=until):
                yield from self._follow(event)
                reason = run.decisions.stop(after=event)
                if reason is not None:
                    break
        except LostImage:
            if self._done > 0:  # the steps that are done are right and need not be repeated
                yield from self._save(alone=True)
            raise
        if self._done == run.plan.train.steps:
            return True
        yield from self._save()
        yield self._stopped(reason, before=before)
        return False

    def _stopped(self, reason: StopReason | None, *, before: int) -> Stopped:
        """Return the stop of a training that began after `before` steps."""
        folder, until = self._run.folder.path, self._run.request.options.steps
        if reason is not None or until is None:
            return Stopped(folder=folder, step=self._done, reason=reason or StopReason.ASKED)
        reason = StopReason.BEYOND if until <= before else StopReason.STEPS
        return Stopped(folder=folder, step=self._done, reason=reason, until=until)

    def _follow(self, event: Event) -> Iterator[RunEvent]:
        """Record an event of the engine, and do what is due after it."""
        if self._journals is not None:
            self._journals.note(event)
        if isinstance(event, Paused):
            if event.pause.checkpoint:
                yield from self._save()
            yield from self._evaluate(event)
            return
        yield event
        if isinstance(event, Stepped):
            self._done = event.step
            self._run.decisions.budget.stepped(event.seconds)
            if self._run.opened is not None:
                self._run.opened.live.beat(step=event.step)
            if event.compiled is not None:
                late = event.settled and event.compiled.forms > 0
                yield Compiled(step=event.step, work=event.compiled, late=late)
            if self._run.decisions.save(step=event.step):
                yield from self._save()

    def _evaluate(self, event: Paused) -> Iterator[RunEvent]:
        return self._evaluate_due(self._run, evaluations_at(self._run.plan, event.pause))

    def _save(self, *, alone: bool = False) -> Iterator[RunEvent]:
        """Save a checkpoint of the last step, unless that is saved already.

        Args:
            alone: the other processes are still training, so nothing can be collected from them.
        """
        if self._saved == self._done:
            return
        run, began = self._run, time.monotonic()
        state = run.strategy.gathered_state(self._program.graph, self._program.optimizer)
        need_finite_weights(state.tensors, step=self._done)
        if not alone:
            share_reading(run.data.own.train, strategy=run.strategy)
        if self._journals is not None:
            self._journals.sync()
            save_known(run.folder, run.data.own.train)
            checkpoint.save(
                run.folder.checkpoints,
                step=self._done,
                tensors=state.tensors,
                state={"optimizer": state.optimizer},
                keep=run.plan.keep,
            )
        self._saved = self._done
        run.decisions.saved(seconds=time.monotonic() - began)
        yield Saved(step=self._done)
