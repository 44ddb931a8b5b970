"""The two journals of a run: values determined by the recipe, and timing on this machine."""

from __future__ import annotations

import resource
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from eqspec.engine.events import Agreed, Event, Paused, Stepped
from eqspec.runs.folder import RunFolder
from eqspec.runs.journal import Journal

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@contextmanager
def open_journals(folder: RunFolder) -> Generator[Journals]:
    """Open `metrics.jsonl` and `timing.jsonl` for appending.

    Raises:
        FolderMismatch: one of them is damaged.
    """
    with Journal(folder.metrics) as metrics, Journal(folder.timing) as timing:
        yield Journals(metrics, timing)


@dataclass(frozen=True, slots=True)
class Journals:
    """The open journals of a run.

    Attributes:
        metrics: losses, learning rates, gradient norms: the same bytes on every repeat.
        timing: seconds, compilations, memory.
    """

    metrics: Journal
    timing: Journal

    def rewind(self, step: int) -> None:
        """Drop every row after a step, see `Journal.rewind`."""
        self.metrics.rewind(step)
        self.timing.rewind(step)

    def sync(self) -> None:
        """Return once every row is on the disk."""
        self.metrics.sync()
        self.timing.sync()

    def note(self, event: Event) -> None:
        """Append the rows of an event; at a pause, the peak of the process's memory in bytes."""
        match event:
            case Stepped(step=step):
                self.metrics.write(step, name="train", values=event.metrics)
                clock = {"seconds": event.seconds, "waited": event.waited}
                self.timing.write(step, name="train", values=clock)
                if (work := event.compiled) is not None:
                    late = work.forms if event.settled else 0
                    values = {"seconds": work.seconds, "forms": work.forms, "late": late}
                    self.timing.write(step, name="compile", values=values)
            case Paused(step=step):
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
                self.timing.write(step, name="memory", values={"peak": peak})
            case Agreed(step=step):
                values = {"gap": event.gap, "tolerance": event.tolerance}
                self.timing.write(step, name="agreed", values=values)
