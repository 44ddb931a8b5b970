"""Findings of an audit, and its levels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

STEPS = 5
"""Number of steps that an audit replays by default."""

PUBLISHED_SEAL = "published seal"
"""What the finding about a published seal is about."""


class Level(StrEnum):
    """Depth of an audit; each level includes those before it. There is no L3 yet."""

    INTACT = "L0"
    SAME_HERE = "L1"
    REPLAYS = "L2"
    RESULTS = "L4"


SUITE_LEVEL = Level.SAME_HERE
"""Default of the deepest level of an audit of many runs; it trains nothing."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A value that differs from the recorded one.

    Attributes:
        recorded, here: None where there is nothing to show.
    """

    name: str
    recorded: str | None
    here: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    Attributes:
        about: ``files``, ``published seal``, ``spec``, ``code``, ``environment``, ``data``,
            ``evaluation data``, ``replay``, ``floors``, or the name of a result.
        holds: None where it could not be checked.
        message: one sentence.
        disagreements: values that differ from the recorded ones.
        beside: other differences, which change no number.
        mended_by: arguments of the eqspec command that mends what differs, apart from locations of
            data; empty if there is none.
        counts: whether the level depends on it. A result whose checkpoint the spec did not keep
            does not: no level claims it.
    """

    level: Level
    about: str
    holds: bool | None
    message: str
    disagreements: tuple[Disagreement, ...] = ()
    beside: tuple[Disagreement, ...] = ()
    mended_by: tuple[str, ...] = ()
    counts: bool = True
