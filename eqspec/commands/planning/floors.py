"""The floors of a plan's path, measured where the location of its data is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.commands.planning.data_locations import open_dataset

if TYPE_CHECKING:
    from eqspec.commands.planning.data_locations import DataLocations
    from eqspec.compile.types.plan import Plan
    from eqspec.nn.readouts.floors import PathFloors


def floors(plan: Plan, *, locations: DataLocations) -> PathFloors | None:
    """Return the floors; None without a path, or where this command was not given the data.

    Raises:
        EqspecError: the data cannot be read.
    """
    given = locations.own is not None or bool(locations.asked)
    if plan.views.path is None or not given:
        return None
    if locations.of(plan.data.name, own=plan.data.name) is None:
        return None
    from eqspec.evals.path_floors import path_floors  # late: imports torch

    train = open_dataset(plan.data, split="train", locations=locations, own=plan.data.name)
    return path_floors(plan, train)
