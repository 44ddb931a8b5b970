"""What the engine says has happened. It writes nothing and shows nothing itself."""

from __future__ import annotations

from dataclasses import dataclass

from eqspec.compile.plan import Pause


@dataclass(frozen=True, slots=True)
class Stepped:
    """One optimizer step is done.

    Attributes:
        step: how many steps are done.
        metrics: what the recipe determines: loss, terms, learning rate, gradient norms.
        seconds: wall time of the step, of which `waited` seconds were spent waiting for data.
    """

    step: int
    metrics: dict[str, float]
    seconds: float
    waited: float


@dataclass(frozen=True, slots=True)
class Paused:
    """The timetable asks for something; weights stand still until the next event is asked for."""

    step: int
    pause: Pause


Event = Stepped | Paused
