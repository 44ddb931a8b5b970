"""Plans of run folders with overrides: the same run if they change no weights, else a fork.

An edited spec has another recipe, so its run has another folder. `eqspec run FOLDER --set` names
the folder itself: overrides that change the recipe are then refused, unless `--fork` asks for a new
run beside the folder, from step 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from eqspec.commands.planning.data_locations import DataLocations
from eqspec.commands.planning.plans import Planned, plan_spec
from eqspec.commands.running.folder_guard import guard
from eqspec.errors import UsageError
from eqspec.runs.artifacts import read_text
from eqspec.runs.folder import UNDO, RunFolder


def plan_folder(
    path: Path, *, overrides: Sequence[str], data: DataLocations, fork: bool
) -> Planned:
    """Return the plan of a run folder with overrides.

    Args:
        overrides: `path=value`, as `--set` takes them.
        fork: allow overrides that change the recipe.

    Returns:
        The plan, with the folder to continue in; without one for a fork.

    Raises:
        SpecError: the overrides are wrong.
        FolderMismatch: they change the recipe, and no fork is requested.
        UsageError: a fork is requested, and nothing changes.
    """
    folder = RunFolder.open(path)
    folder.sealed().require("plan.json", "resolved.yaml", "spec.yaml")
    name = folder.identity().name
    planned = plan_spec(path / "resolved.yaml", overrides=overrides, data=data, name=name)
    there = folder.identity()
    if (there.recipe, there.seed) == (planned.plan.recipe, planned.plan.seed):
        if fork:
            raise UsageError(
                f"no override differs from `{path}`, so there is nothing to fork",
                help="change another setting with --set, or repeat the run with --again",
            )
        return dataclasses.replace(planned, folder=path, text=read_text(path / "spec.yaml"))
    if not fork:
        guard(folder, planned.plan, advice=f"{UNDO}, or start a separate run with --fork")
    return planned
