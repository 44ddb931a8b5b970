"""Run options: settings of how a command runs, which do not change the recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations
from eqspec.commands.running.deadline import Deadline


def never() -> bool:
    """Return False: no stop is requested."""
    return False


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of the runs of one command, none of which is part of a recipe.

    Attributes:
        runs: folder of all runs.
        data: locations of datasets on this machine.
        steps: stop each training after this many steps in all.
        again: repeat runs that are complete, each in a new folder beside the first.
        retry: continue runs that have failed, from their last checkpoint.
        deadline: when the command must be over; the progress until then is saved.
        should_stop: called after every step and before every evaluation; once it returns True, the
            run saves its progress and stops.
    """

    runs: Path
    data: DataLocations = NO_LOCATIONS
    steps: int | None = None
    again: bool = False
    retry: bool = False
    deadline: Deadline | None = None
    should_stop: Callable[[], bool] = never
