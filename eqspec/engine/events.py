"""What the engine says has happened. It writes nothing and shows nothing itself."""

from __future__ import annotations

from dataclasses import dataclass

from eqspec.compile.types.plan import Pause


@dataclass(frozen=True, slots=True)
class Compilation:
    """What torch compiled during a step.

    Attributes:
        seconds: that it took.
        forms: of blocks and judge, each for other shapes or another mode; 0 where only the
            backward of forms that were there was compiled.
        reasons: why forms that were there already did not fit, one line each.
    """

    seconds: float
    forms: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agreed:
    """The compiled loss of the first batch is that of the uncompiled graph.

    Attributes:
        step: how many steps are done.
        term: the one that differs most.
        gap: by how much, relative to its value; at most the tolerance.
    """

    step: int
    term: str
    gap: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Stepped:
    """One optimizer step is done.

    Attributes:
        step: how many steps are done.
        metrics: what the recipe determines: loss, terms, learning rate, gradient norms.
        seconds: wall time of the step, of which `waited` seconds were spent waiting for data.
        compiled: what was compiled in that time, if anything.
        settled: everything should have been compiled before, in the first steps of this process.
    """

    step: int
    metrics: dict[str, float]
    seconds: float
    waited: float
    compiled: Compilation | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Paused:
    """The timetable asks for something; weights stand still until the next event is asked for."""

    step: int
    pause: Pause


Event = Agreed | Stepped | Paused
