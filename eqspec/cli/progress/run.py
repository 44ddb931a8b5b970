"""`eqspec run` on the screen: progress, a stop that loses nothing, and what came out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from eqspec.cli.progress.display import Watcher, watcher
from eqspec.cli.render.compare import as_data, compared
from eqspec.cli.screen import Screen
from eqspec.cli.signals import StopSignals
from eqspec.commands.planning.plans import Planned
from eqspec.commands.run import run
from eqspec.commands.running.comparison import Done, compare
from eqspec.commands.running.evaluation import Judged
from eqspec.commands.running.events import Evaluated, Judging, Sealed, Stopped, Why
from eqspec.commands.running.failure import RunFailed
from eqspec.commands.running.options import RunOptions
from eqspec.commands.running.series import Member, series


@dataclass(frozen=True, slots=True)
class Asked:
    """How a series is to be run, and what to suggest after it.

    Attributes:
        options: of its runs; `should_stop` is filled in here.
        as_json: print the comparison as JSON.
        again: the command that goes on with the series.
        replicate: the command that does the same with another seed.
    """

    options: RunOptions
    as_json: bool
    again: tuple[str, ...]
    replicate: tuple[str, ...]


def run_series(planned: Planned, asked: Asked, *, screen: Screen) -> int:
    """Runs a spec and its variants; returns the exit status."""
    done: list[Done] = []
    signals = StopSignals()
    options = replace(asked.options, should_stop=lambda: signals.wanted)
    members = series(planned, options)
    try:
        with signals.caught(), watcher(screen, stopping=lambda: signals.wanted) as watching:
            for member in members:
                ended = run_member(member, watching=watching, signals=signals)
                if isinstance(ended, Done):
                    done.append(ended)
                elif ended.why is not Why.STEPS:
                    break
    except RunFailed as failure:
        screen.after_error = ("eqspec", "show", str(failure.folder))
        raise
    except KeyboardInterrupt:
        screen.say("Stopped at once; what was saved is kept.")
    if signals.wanted:
        screen.suggest(*asked.again)
        return signals.exit_status
    if len(done) < len(members):
        screen.suggest(*asked.again)
        return 0
    _show(done, asked, screen=screen)
    return 0


def _show(done: Sequence[Done], asked: Asked, *, screen: Screen) -> None:
    """What came out of a series that is complete."""
    comparison = compare(done)
    if asked.as_json:
        screen.show_json(as_data(comparison, done))
    else:
        screen.show()
        screen.show(compared(comparison, done, width=screen.width))
    screen.suggest(*asked.replicate)


def run_member(member: Member, *, watching: Watcher, signals: StopSignals) -> Done | Stopped:
    """One run to its end, or to where it was stopped."""
    judged: list[Judged] = []
    with closing(run(member.request)) as events:
        for event in events:
            signals.at_rest = isinstance(event, Judging)
            watching.show(event, name=member.name)
            if isinstance(event, Evaluated):
                judged.append(event.judged)
            elif isinstance(event, Stopped):
                return event
            elif isinstance(event, Sealed):
                plan, folder = member.request.plan, event.folder
                return Done(name=member.name, plan=plan, folder=folder, judged=tuple(judged))
    raise AssertionError("a run ends sealed or stopped")
