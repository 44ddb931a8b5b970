"""Contestants taking turns: every round, each of them once, in alternating order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Protocol

from benchmarks.speed.case import Case, Contestant, Facts, Rounds, Setting
from benchmarks.speed.process import ContestantFailed, Process, Turn, Usage

Report = Callable[[str], None]


class Player(Protocol):
    """A contestant that can take turns: a process, or a stand-in of a test."""

    def ready(self) -> Facts:
        """Wait until it is prepared."""
        ...

    def turn(self) -> Turn:
        """Let it take a turn."""
        ...

    def usage(self) -> Usage:
        """Return its peak memory."""
        ...

    def close(self) -> None:
        """End it."""
        ...


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that was measured of a case.

    Attributes:
        turns: contestant → its turns, one per round.
        facts: contestant → its constant facts.
        usage: contestant → its peak memory.
        absent: contestant → why it took no turn.
        warm_up: contestant → seconds of its preparation and its uncounted turns.
    """

    turns: Mapping[str, Sequence[Turn]]
    facts: Mapping[str, Facts]
    usage: Mapping[str, Usage]
    absent: Mapping[str, str]
    warm_up: Mapping[str, float]


def rounds_at(setting: Setting, rounds: Rounds, *, seconds: float | None = None) -> Rounds:
    """Return the rounds of a setting.

    Args:
        rounds: of a full measurement.
        seconds: time for the rounds, instead of the case's own.
    """
    if setting.scale == "quick":
        rounds = replace(rounds, least=3, most=9, seconds=min(rounds.seconds, 10.0))
    return rounds if seconds is None else replace(rounds, seconds=seconds)


def measure(
    name: str, case: Case, *, setting: Setting, rounds: Rounds, report: Report = lambda _: None
) -> Measured:
    """Measure a case with its contestants in processes of their own.

    Args:
        name: id of the case.
        report: called with each line of progress.
    """
    case.share(setting)
    absent = {c.name: missing for c in case.contestants if (missing := not_installed(c))}
    present = [c.name for c in case.contestants if c.name not in absent]

    def start(contestant: str) -> Process:
        return Process(
            name, contestant, setting=setting, warm_up=case.contestant(contestant).warm_up
        )

    # On a CPU one after the other: some measure how fast they are while they prepare.
    together = setting.device == "cuda"
    return take_turns(
        present, start, rounds=rounds, absent=absent, together=together, report=report
    )


def not_installed(contestant: Contestant) -> str | None:
    """Return which packages a contestant lacks; None if it lacks none."""
    missing = [package for package in contestant.needs if find_spec(package) is None]
    return f"{', '.join(missing)} not installed" if missing else None


def take_turns(
    names: Sequence[str],
    start: Callable[[str], Player],
    *,
    rounds: Rounds,
    absent: Mapping[str, str],
    together: bool = False,
    report: Report = lambda _: None,
) -> Measured:
    """Prepare players, then let them take turns.

    Args:
        start: begins to prepare a player.
        absent: contestants that take no part, and why.
        together: prepare all of them at once.
    """
    gone = dict(absent)
    players: dict[str, Player] = {}
    facts: dict[str, Facts] = {}
    warm: dict[str, float] = {}
    turns: dict[str, list[Turn]] = {}
    with ExitStack() as stack:
        for name in names if together else ():
            players[name] = start(name)
            stack.callback(players[name].close)
        for name in names:
            report(f"preparing {name}")
            began = time.perf_counter()
            try:
                if name not in players:
                    players[name] = start(name)
                    stack.callback(players[name].close)
                facts[name] = players[name].ready()
            except ContestantFailed as error:
                gone[name] = f"failed: {error}"
                continue
            warm[name] = time.perf_counter() - began
            turns[name] = []
        for number, order in enumerate(_orders(list(turns), rounds), start=1):
            for name in order:
                report(f"round {number}: {name}")
                turns[name].append(players[name].turn())
        usage = {name: players[name].usage() for name in turns}
    return Measured(turns=turns, facts=facts, usage=usage, absent=gone, warm_up=warm)


def _orders(names: list[str], rounds: Rounds) -> Iterator[list[str]]:
    """Yield the order of each round: forwards and backwards in turn, so that drift cancels."""
    began = time.perf_counter()
    for number in range(rounds.most if names else 0):
        if number >= rounds.least and time.perf_counter() - began > rounds.seconds:
            return
        yield names[:: -1 if number % 2 else 1]
