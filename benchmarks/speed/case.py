"""Cases: what is compared, at which size, and what would be a good result. Free of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Scale = Literal["full", "quick", "toy"]
"""Sizes: to be published; a minute at most; for tests."""

Facts = Mapping[str, float]
"""Numbers besides the time: a loss, seconds spent waiting for data, operations."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and at which size a case is measured.

    Attributes:
        device: ``cpu`` or ``cuda``.
        folder: for files that the contestants share.
    """

    device: str
    scale: Scale
    folder: Path


@dataclass(frozen=True, slots=True)
class Work:
    """A contestant, ready to work.

    Attributes:
        turn: does the work of one turn; a fact ``seconds`` replaces the measured time.
        facts: numbers that do not change from turn to turn.
    """

    turn: Callable[[], Facts]
    facts: Facts = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program that can do the work of a case.

    Attributes:
        prepare: gets ready, without the time being measured.
        needs: packages that have to be installed.
        warm_up: turns that are not counted, the preparation's last part.
    """

    name: str
    prepare: Callable[[Setting], Work]
    needs: tuple[str, ...] = ()
    warm_up: int = 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """A ratio of two contestants' times.

    Attributes:
        slower: the contestant whose time is divided.
        faster: the one that it is divided by.
        at_least: bar of a gain in speed.
        at_most: bar of a cost.
    """

    slower: str
    faster: str
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A bar of one contestant's own number.

    Attributes:
        fact: that is limited; ``seconds`` is the time of a turn.
    """

    name: str
    fact: str = "seconds"
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often everyone takes a turn.

    Attributes:
        least: rounds, however long they take.
        most: rounds, however short they are.
        seconds: no further round is begun after this time.
    """

    least: int = 5
    most: int = 25
    seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Case:
    """Contestants that do the same work, and the ratios of interest.

    Attributes:
        about: the work, and why it is the same for all, in one or two sentences.
        unit: what a turn processes.
        amount: how much of it a turn processes.
        contestants: in the order of the first round.
        comparisons: contestant → its facts, to the ratios of interest.
        limits: bars of single contestants.
        share: writes files that the contestants share.
        devices: where the case makes sense.
        rounds: of a full measurement.
        by_default: measured when no case is named.
        agree: fact → relative difference up to which all contestants that state it must agree, as
            tests of the same work ask.
    """

    title: str
    about: str
    unit: str
    contestants: tuple[Contestant, ...]
    comparisons: Callable[[Mapping[str, Facts]], tuple[Comparison, ...]] = field(
        default=lambda _: ()
    )
    limits: tuple[Limit, ...] = ()
    amount: Callable[[Setting], float] = field(default=lambda _: 1.0)
    share: Callable[[Setting], None] = field(default=lambda _: None)
    devices: tuple[str, ...] = ("cpu",)
    rounds: Rounds = Rounds()
    by_default: bool = True
    agree: Mapping[str, float] = field(default_factory=dict[str, float])

    def contestant(self, name: str) -> Contestant:
        """Return a contestant by its name."""
        return next(one for one in self.contestants if one.name == name)
