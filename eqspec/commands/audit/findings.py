"""What an audit says of one part of a run, and at which level."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

STEPS = 5
"""Steps that an audit replays unless more are asked for."""


class Level(StrEnum):
    """How deep an audit looks; each level takes in those before it. There is no L3 yet."""

    INTACT = "L0"
    SAME_HERE = "L1"
    REPLAYS = "L2"
    RESULTS = "L4"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Something that is not as it was recorded.

    Attributes:
        recorded, here: None where there is nothing to show.
    """

    name: str
    recorded: str | None
    here: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one part of a run.

    Attributes:
        about: ``files``, ``spec``, ``code``, ``environment``, ``data``, ``evaluation
            data``, ``replay``, or the name of a result.
        holds: None where it could not be checked.
        said: one sentence.
        disagreements: what is not as it was recorded.
        beside: what differs too, but changes no number.
    """

    level: Level
    about: str
    holds: bool | None
    said: str
    disagreements: tuple[Disagreement, ...] = ()
    beside: tuple[Disagreement, ...] = ()
