"""The two journals of a run: what the recipe determines, and what this machine took for it."""

from __future__ import annotations

import resource
import sys
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from eqspec.engine.events import Agreed, Event, Paused, Stepped
from eqspec.runs.folder import RunFolder
from eqspec.runs.journal import Journal

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Records:
    """`metrics.jsonl` and `timing.jsonl`, open for appending."""

    def __init__(self, folder: RunFolder) -> None:
        with ExitStack() as opening:
            self._metrics = opening.enter_context(Journal(folder.metrics))
            self._timing = opening.enter_context(Journal(folder.timing))
            self._open = opening.pop_all()  # should the second fail, the first is closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()

    def rewind(self, step: int) -> None:
        """Drops every row after a step, see `Journal.rewind`."""
        self._metrics.rewind(step)
        self._timing.rewind(step)

    def sync(self) -> None:
        """Returns once every row is on the disk."""
        self._metrics.sync()
        self._timing.sync()

    def note(self, event: Event) -> None:
        """Writes down what the engine says; at a pause, the most memory that was held so far."""
        match event:
            case Stepped(step=step):
                self._metrics.write(step, name="train", values=event.metrics)
                clock = {"seconds": event.seconds, "waited": event.waited}
                self._timing.write(step, name="train", values=clock)
                if (work := event.compiled) is not None:
                    late = work.forms if event.settled else 0
                    values = {"seconds": work.seconds, "forms": work.forms, "late": late}
                    self._timing.write(step, name="compile", values=values)
            case Paused(step=step):
                held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
                self._timing.write(step, name="memory", values={"peak": held})
            case Agreed(step=step):
                values = {"gap": event.gap, "tolerance": event.tolerance}
                self._timing.write(step, name="agreed", values=values)
