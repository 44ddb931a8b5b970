"""What a run says while it goes on: the engine's steps, and what is saved, judged and sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.compile.types.plan import EvalPlan, Plan
from eqspec.engine.events import Agreed, Compilation, Stepped

if TYPE_CHECKING:
    from eqspec.build.program import Program
    from eqspec.commands.running.evaluation import Judged


@dataclass(frozen=True, slots=True)
class Opened:
    """The folder is there; training begins, goes on, or is already done.

    Attributes:
        notes: how published weights were taken over, for the log.
    """

    plan: Plan
    folder: Path
    done: int
    program: Program | None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compiled:
    """Blocks or losses were compiled during a step.

    Attributes:
        late: after the first steps, by which all should have been.
    """

    step: int
    work: Compilation
    late: bool


@dataclass(frozen=True, slots=True)
class Damaged:
    """Images could not be read; others of their class stand for them.

    Attributes:
        images: each with its name and the reason.
    """

    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remarked:
    """Images were read, but their decoder found something odd about the files.

    Attributes:
        images: each with its name and what is odd.
    """

    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint was written."""

    step: int


@dataclass(frozen=True, slots=True)
class Judging:
    """An evaluation begins. What was trained has been saved: a stop loses nothing now.

    Attributes:
        damaged: name of each result that is not the one that was written → what is wrong with it.
    """

    evaluation: EvalPlan
    step: int
    damaged: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def reason(self) -> str:
        """Why it is made anew; empty where it never was."""
        return f" anew ({'; '.join(self.damaged.values())})" if self.damaged else ""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation has been made (or was found in the folder)."""

    judged: Judged
    step: int


class Why(StrEnum):
    """Why a run stopped before its end."""

    ASKED = "asked"
    STEPS = "steps"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Stopped:
    """As much as was asked for is done and saved, but not all of the plan."""

    folder: Path
    step: int
    why: Why = Why.ASKED


@dataclass(frozen=True, slots=True)
class Sealed:
    """The run is complete."""

    folder: Path


RunEvent = (
    Opened
    | Agreed
    | Stepped
    | Compiled
    | Damaged
    | Remarked
    | Saved
    | Judging
    | Evaluated
    | Stopped
    | Sealed
)
