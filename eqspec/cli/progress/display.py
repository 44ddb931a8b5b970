"""Display of runs in progress: a bar on a terminal, lines of text elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from eqspec.cli.progress.pace import FineTuningLines, Pace, StepLines
from eqspec.cli.screen import Screen
from eqspec.commands.running.events import (
    Compiled,
    Damaged,
    Evaluating,
    FineTuning,
    FloorsKnown,
    Opened,
    Reconstructed,
    Remarked,
    RunEvent,
    Sealed,
    Stopped,
    StopReason,
)
from eqspec.commands.running.log_lines import (
    agreed,
    beyond,
    compiled,
    encoder_of,
    reconstruction_warning,
    replaced,
)
from eqspec.engine.events import Agreed, Stepped
from eqspec.printable import on_one_line
from eqspec.report.floors import floors_sentence
from eqspec.report.numbers import duration, number
from eqspec.spec.phrases import counted

_ROOM_FOR_BAR = 100
"""Width of a terminal, in columns, from which a bar fits beside the status."""


class Watcher(Protocol):
    """Display of one run after another."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def show(self, event: RunEvent, *, name: str) -> None:
        """Show an event of the run of that name."""
        ...


def watcher(screen: Screen, *, stopping: Callable[[], bool]) -> Watcher:
    """Return the display that fits a screen.

    Args:
        stopping: whether the run will stop after the current step.
    """
    return Bars(screen, stopping=stopping) if screen.lives else Lines(screen)


class Bars:
    """One bar per run, redrawn in place."""

    def __init__(self, screen: Screen, *, stopping: Callable[[], bool]) -> None:
        self._screen = screen
        bar = (BarColumn(bar_width=20),) if screen.err.width >= _ROOM_FOR_BAR else ()
        self._progress = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            *bar,
            MofNCompleteColumn(),
            _Status(stopping),
            console=screen.err,
        )
        self._pace = Pace(0, batch=0)
        self._fine_tunings = FineTuningLines()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is not None and self._progress.task_ids:
            self._update("not finished", over=True)
        self._progress.stop()

    def show(self, event: RunEvent, *, name: str) -> None:
        """Update the bar of the current run, or print a message above it."""
        if isinstance(event, Opened):
            self._pace = Pace(event.plan.train.steps, batch=event.plan.train.batch)
            total = event.plan.train.steps
            self._progress.add_task(
                on_one_line(name), total=total, completed=event.done, status="", over=False
            )
            for warning in event.warnings:
                self._screen.say(warning)
        elif isinstance(event, FloorsKnown):
            self._pace.floors = event.stored
        elif isinstance(event, Stepped):
            self._pace.take(event)
            self._update(self._pace.line(event), completed=event.step)
        elif isinstance(event, FineTuning) and isinstance(event.event, Stepped):
            self._update(self._fine_tunings.line(event, event.event))
        elif (warning := _warning(event)) is not None:
            self._screen.say(f"{name}: {warning}")
        elif (line := _line(event, self._pace)) is not None:
            self._update(line, over=isinstance(event, Stopped | Sealed))

    def _update(self, status: str, *, completed: int | None = None, over: bool = False) -> None:
        at_hand = self._progress.task_ids[-1]
        self._progress.update(at_hand, status=status, completed=completed, over=over)


class _Status(ProgressColumn):
    """Column with the status of a run."""

    max_refresh = None

    def __init__(self, stopping: Callable[[], bool]) -> None:
        super().__init__()
        self._stopping = stopping

    def render(self, task: Task) -> Text:
        """Return the status, or a note that the run is about to stop."""
        if self._stopping() and not task.fields["over"]:
            return Text("finishing this step, then saving (again: stop at once)", style="yellow")
        return Text(on_one_line(str(task.fields["status"])))


class Lines:
    """A line of text from time to time."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._steps = StepLines()
        self._fine_tunings = FineTuningLines()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def show(self, event: RunEvent, *, name: str) -> None:
        """Print an event; steps at intervals."""
        if isinstance(event, Opened):
            self._steps = StepLines(event.plan, done=event.done)
            self._say(name, _opened(event))
            for warning in event.warnings:
                self._say(name, warning)
        elif isinstance(event, FloorsKnown):
            self._steps.pace.floors = event.stored
            self._say(name, floors_sentence(event.stored.floors))
        elif (line := self._line(event)) is not None:
            self._say(name, line)

    def _line(self, event: RunEvent) -> str | None:
        if isinstance(event, Stepped):
            return self._steps.if_due(event)
        if isinstance(event, FineTuning) and isinstance(event.event, Stepped):
            return self._fine_tunings.if_due(event, event.event)
        return _line(event, self._steps.pace)

    def _say(self, name: str, text: str) -> None:
        self._screen.say(f"{name}: {text}")


def fine_tuning_line(event: FineTuning) -> str | None:
    """Return the line about the training of an evaluation, but for its steps."""
    training, evaluation = event.event, event.evaluation.name
    if isinstance(training, Damaged | Remarked):
        return _of_images(training)
    if isinstance(training, Stopped):
        return f"{evaluation} stopped after step {number(training.step)}, which is saved"
    return None


def _opened(event: Opened) -> str:
    if not event.plan.trains:
        return f"published weights, evaluated as they are, in {event.folder}"
    steps = counted(event.plan.train.steps, "step")
    if event.done == event.plan.train.steps:
        return f"trained to the end, {steps}, in {event.folder}"
    since = f", from step {number(event.done)} on" if event.done else ""
    return f"{steps} in {event.folder}{since}"


def _warning(event: RunEvent) -> str | None:
    """Return what is said above the bar of a run."""
    match event:
        case Damaged() | Remarked():
            return _of_images(event)
        case Compiled(late=True):
            return compiled(event)
        case Reconstructed():
            return next(reconstruction_warning(event), None)
        case _:
            return None


def _line(event: RunEvent, pace: Pace) -> str | None:
    line = _warning(event)
    match event:
        case Evaluating(evaluation=evaluation):
            line = f"evaluating {evaluation.name}, {encoder_of(event)}{event.remark}"
        case Stopped():
            line = _stopped(event)
        case FineTuning():
            line = fine_tuning_line(event)
        case Agreed():
            line = agreed(event)
        case Compiled():
            line = compiled(event)
        case Sealed():
            line = f"done after {duration(time.monotonic() - pace.began)}"
        case _:
            pass
    return line


def _stopped(event: Stopped) -> str:
    if event.reason is StopReason.BEYOND:
        return beyond(event)
    limit = " (time limit)" if event.reason is StopReason.TIME else ""
    return f"stopped after step {number(event.step)}, which is saved{limit}"


def _of_images(event: Damaged | Remarked) -> str:
    more = len(event.images) - 1
    if isinstance(event, Damaged):
        return replaced(event.images[0], more=more)
    rest = f", and {counted(more, 'more image')}" if more else ""
    return f"warning: the decoder remarks on {event.images[0]}{rest}"
