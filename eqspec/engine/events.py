"""Events of a training. The engine itself writes and shows nothing."""

from __future__ import annotations

from dataclasses import dataclass

from eqspec.compile.types.plan import Pause


@dataclass(frozen=True, slots=True)
class Compilation:
    """Compilations of torch during a step.

    Attributes:
        seconds: duration.
        forms: compiled variants of blocks and of the loss, one for each shape and mode; 0 if only
            the backward of existing ones was compiled.
        reasons: why existing ones could not be used, one line each.
    """

    seconds: float
    forms: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agreed:
    """The compiled loss of the first batch agrees with the uncompiled one.

    Attributes:
        step: steps done.
        term: the loss term that differs most.
        gap: its difference, relative to its value; at most the tolerance.
    """

    step: int
    term: str
    gap: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Stepped:
    """One optimizer step is done.

    Attributes:
        step: steps done.
        metrics: determined by the recipe: loss, terms, learning rate, gradient norms.
        seconds: wall time of the step, of which `waited` seconds were spent waiting for data.
        compiled: compilations in that time, if any.
        settled: this is a later step than the first ones, in which everything should be compiled.
    """

    step: int
    metrics: dict[str, float]
    seconds: float
    waited: float
    compiled: Compilation | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Paused:
    """A pause of the timetable, for checkpoints and evaluations."""

    step: int
    pause: Pause


Event = Agreed | Stepped | Paused
