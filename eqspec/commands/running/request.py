"""What `eqspec run` is asked to do with one plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eqspec.commands.planning.data_places import NOWHERE, DataPlaces
from eqspec.commands.running.deadline import Deadline
from eqspec.compile.types.plan import Plan
from eqspec.runs.folder import Identity, place


def never() -> bool:
    """Nobody asks for a stop."""
    return False


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One plan to be run.

    Attributes:
        spec_text: the spec as it was written.
        root: folder of all runs.
        folder: of this run, where it is not the plan's place below `root`.
        repeat: which repeat of the recipe and seed: 2 is made in ``….2``.
        data: where datasets lie.
        steps: stop after so many steps in all.
        untrained: also judge the encoder as it was before training.
        retry: go on with a run that has failed, from its last checkpoint.
        deadline: when this must be over; what is done by then is saved.
        should_stop: asked after every step, and before every evaluation; once it says so, what is
            done is saved and the run stops.
    """

    plan: Plan
    spec_text: str
    root: Path
    folder: Path | None = None
    repeat: int = 1
    data: DataPlaces = NOWHERE
    steps: int | None = None
    untrained: bool = True
    retry: bool = False
    deadline: Deadline | None = None
    should_stop: Callable[[], bool] = never

    @property
    def path(self) -> Path:
        """The folder that this run belongs in."""
        return self.folder or place(self.root, identity=identity_of(self.plan), repeat=self.repeat)


def identity_of(plan: Plan) -> Identity:
    """What names a plan's run folder."""
    return Identity.model_validate(plan.model_dump(mode="json", include=set(Identity.model_fields)))
