"""`eqspec run` on the screen: progress, a stop that loses nothing, and what came out."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from eqspec.cli.progress import Watcher, watcher
from eqspec.cli.render.compare import as_data, compared
from eqspec.cli.screen import Screen
from eqspec.cli.signals import StopSignals
from eqspec.commands.compare import Done, compare
from eqspec.commands.events import Evaluated, Judging, Sealed
from eqspec.commands.judging import Judged
from eqspec.commands.plans import Planned
from eqspec.commands.run import run
from eqspec.commands.series import Member, series


@dataclass(frozen=True, slots=True)
class Asked:
    """How a series is to be run, and what to suggest after it.

    Attributes:
        runs: folder of all runs.
        data: folder of the dataset, where it needs one.
        steps: stop each training after so many.
        as_json: print the comparison as JSON.
        again: the command that goes on with the series.
        replicate: the command that does the same with another seed.
    """

    runs: Path
    data: Path | None
    steps: int | None
    as_json: bool
    again: tuple[str, ...]
    replicate: tuple[str, ...]


def run_series(planned: Planned, asked: Asked, *, screen: Screen) -> int:
    """Runs a spec and its variants; returns the exit status."""
    done: list[Done] = []
    signals = StopSignals()
    members = series(
        planned,
        root=asked.runs,
        data=asked.data,
        steps=asked.steps,
        should_stop=lambda: signals.wanted,
    )
    try:
        with signals, watcher(screen, stopping=lambda: signals.wanted) as watching:
            for member in members:
                finished = _run(member, watching=watching, signals=signals)
                if finished is not None:
                    done.append(finished)
                if signals.wanted:
                    break
    except KeyboardInterrupt:
        screen.say("Stopped at once; what was saved is kept.")
    if signals.wanted:
        screen.suggest(*asked.again)
        return signals.exit_status
    if len(done) < len(members):
        screen.suggest(*asked.again)
        return 0
    comparison = compare(done)
    if asked.as_json:
        screen.show_json(as_data(comparison, done))
    else:
        screen.show()
        screen.show(compared(comparison, done, width=screen.width))
    screen.suggest(*asked.replicate)
    return 0


def _run(member: Member, *, watching: Watcher, signals: StopSignals) -> Done | None:
    """One run to its end; None where it was stopped."""
    judged: list[Judged] = []
    ended: Path | None = None
    with closing(run(member.request)) as events:
        for event in events:
            signals.at_rest = isinstance(event, Judging)
            watching.show(event, name=member.name)
            if isinstance(event, Evaluated):
                judged.append(event.judged)
            elif isinstance(event, Sealed):
                ended = event.folder
    if ended is None:
        return None
    return Done(name=member.name, plan=member.request.plan, folder=ended, judged=tuple(judged))
