"""Events of a run in progress: steps of the engine, checkpoints, evaluations, the seal."""

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
    from eqspec.commands.running.evaluation import EvaluationResult
    from eqspec.runs.floors import Reconstruction, RunFloors


@dataclass(frozen=True, slots=True)
class Opened:
    """The run is prepared: training starts, continues, or is done already.

    Attributes:
        done: optimizer steps done.
        program: the live training; None if nothing is left to train.
        notes: how published weights were converted, for the log.
    """

    plan: Plan
    folder: Path
    done: int
    program: Program | None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FloorsKnown:
    """The floors of the run's path are known, measured now or before."""

    stored: RunFloors


@dataclass(frozen=True, slots=True)
class Reconstructed:
    """The run is trained, and its reconstruction is compared with the floors."""

    reconstruction: Reconstruction


@dataclass(frozen=True, slots=True)
class Compiled:
    """Blocks or losses were compiled during a step.

    Attributes:
        late: in a later step than the first ones, in which everything should be compiled.
    """

    step: int
    work: Compilation
    late: bool


@dataclass(frozen=True, slots=True)
class Damaged:
    """Images cannot be read, and others of their class replace them.

    Attributes:
        images: each with its name and the reason.
    """

    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remarked:
    """Images were read, but the decoder gave warnings about their files.

    Attributes:
        images: each with its name and the warning.
    """

    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Saved:
    """A checkpoint of a step was saved."""

    step: int


@dataclass(frozen=True, slots=True)
class Evaluating:
    """An evaluation begins. The training so far is saved, so that a stop loses nothing.

    Attributes:
        trains: whether the run trains; otherwise step 0 is that of published weights.
        damaged: name of each damaged result that is measured again → what is wrong with its file.
    """

    evaluation: EvalPlan
    step: int
    trains: bool
    damaged: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def remark(self) -> str:
        """Reason for repeating it, as the end of a sentence; empty the first time."""
        return f" again ({'; '.join(self.damaged.values())})" if self.damaged else ""


@dataclass(frozen=True, slots=True)
class FineTuning:
    """An event of the training of an evaluation.

    Attributes:
        step: after which the encoder is evaluated.
        plan: of the training.
        event: of the training.
    """

    evaluation: EvalPlan
    step: int
    plan: Plan
    event: RunEvent


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The result of an evaluation is available, measured now or found in the folder.

    Attributes:
        trains: as above.
    """

    result: EvaluationResult
    step: int
    trains: bool


class StopReason(StrEnum):
    """Why a run stopped before its end: a request, `--steps`, or `--time-limit`.

    `BEYOND`: it had as many steps as `--steps` names, or more, when it began.
    """

    ASKED = "asked"
    STEPS = "steps"
    BEYOND = "beyond"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run stopped before its end, and all that is done is saved.

    Attributes:
        until: the number of steps given by `--steps`, where that is the reason.
    """

    folder: Path
    step: int
    reason: StopReason = StopReason.ASKED
    until: int = 0


@dataclass(frozen=True, slots=True)
class Sealed:
    """The run is complete and sealed."""

    folder: Path


RunEvent = (
    Opened
    | FloorsKnown
    | Agreed
    | Stepped
    | Compiled
    | Damaged
    | Remarked
    | Saved
    | Evaluating
    | FineTuning
    | Evaluated
    | Reconstructed
    | Stopped
    | Sealed
)
