"""`eqspec run` on the screen: progress, then a table that compares the runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from eqspec.build.parallel.strategy import Strategy
from eqspec.build.program import SINGLE
from eqspec.cli.given_folders import remember_folders
from eqspec.cli.progress.display import Watcher, watcher
from eqspec.cli.render.compare import as_data, compared
from eqspec.cli.screen import Screen
from eqspec.cli.signals import StopSignals
from eqspec.commands.planning.plans import Planned
from eqspec.commands.run import run
from eqspec.commands.running.comparison import Done, compare
from eqspec.commands.running.evaluation import EvaluationResult
from eqspec.commands.running.events import (
    Evaluated,
    Evaluating,
    Opened,
    Sealed,
    Stopped,
    StopReason,
)
from eqspec.commands.running.failure import RunFailed
from eqspec.commands.running.options import RunOptions
from eqspec.commands.running.series import Member, series
from eqspec.errors import PeerLost
from eqspec.launch.group import joined
from eqspec.launch.rank import Rank


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Options of `eqspec run`, and commands to suggest after it.

    Attributes:
        options: of its runs; `should_stop` is filled in here.
        as_json: print the comparison as JSON.
        resume: the command that continues after a stop.
        rest: the command that trains what `--steps` left.
        replicate: the command that does the same with another seed.
    """

    options: RunOptions
    as_json: bool
    resume: tuple[str, ...]
    rest: tuple[str, ...]
    replicate: tuple[str, ...]


def run_series(
    planned: Planned, command: RunCommand, *, screen: Screen, rank: Rank | None = None
) -> int:
    """Run a spec and its variants; return the exit status.

    Args:
        rank: which of several processes this one is; each of them calls this.
    """
    signals = StopSignals()
    options = replace(command.options, should_stop=lambda: signals.wanted)
    with joined(rank, device=planned.plan.machine.device) as strategy:
        members = series(planned, options, strategy=strategy)
        ended = _carry_out(members, signals=signals, strategy=strategy, screen=screen)
    if signals.wanted:
        screen.suggest(*command.resume)
        return signals.exit_status
    done = [one for one in ended if isinstance(one, Done)]
    stopped = [one for one in ended if isinstance(one, Stopped)]
    if stopped:
        screen.suggest(*(command.rest if stopped[-1].reason in _LENGTHS else command.resume))
    elif strategy.main:  # which alone has the results
        _show(done, command, screen=screen)
    return 0


def _carry_out(
    members: Sequence[Member], *, signals: StopSignals, strategy: Strategy, screen: Screen
) -> list[Done | Stopped]:
    """Carry out the runs of a series; return how each ended, until one or all were stopped."""
    ended: list[Done | Stopped] = []
    try:
        with signals.caught(), watcher(screen, stopping=lambda: signals.wanted) as watching:
            for member in members:
                one = run_member(member, watching=watching, signals=signals, strategy=strategy)
                ended.append(one)
                if isinstance(one, Stopped) and one.reason not in _LENGTHS:
                    break
    except RunFailed as failure:
        screen.after_error = ("eqspec", "show", str(failure.folder))
        raise
    except PeerLost:
        if not signals.wanted:  # else the others were stopped at once
            raise
    except KeyboardInterrupt:
        screen.say("Stopped at once; what was saved is kept.")
    return ended


_LENGTHS = frozenset({StopReason.STEPS, StopReason.BEYOND})
"""A run stopped because `--steps` asked for no more; the other runs of the series still follow."""


def _show(done: Sequence[Done], command: RunCommand, *, screen: Screen) -> None:
    """Show the comparison of a complete series."""
    comparison = compare(done)
    if command.as_json:
        screen.show_json(as_data(comparison, done))
    else:
        screen.show()
        screen.show(compared(comparison, done, width=screen.width))
    screen.suggest(*command.replicate)


def run_member(
    member: Member, *, watching: Watcher, signals: StopSignals, strategy: Strategy = SINGLE
) -> Done | Stopped:
    """Carry out one run to its end or to a stop."""
    results: list[EvaluationResult] = []
    with closing(run(member.request, strategy=strategy)) as events:
        for event in events:
            signals.at_rest = isinstance(event, Evaluating)
            watching.show(event, name=member.name)
            if isinstance(event, Opened):
                remember_folders(event.folder, data=member.request.options.data)
            elif isinstance(event, Evaluated):
                results.append(event.result)
            elif isinstance(event, Stopped):
                return event
            elif isinstance(event, Sealed):
                plan, folder = member.request.plan, event.folder
                return Done(name=member.name, plan=plan, folder=folder, results=tuple(results))
    raise AssertionError("a run ends sealed or stopped")
