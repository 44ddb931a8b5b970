"""A run folder with other settings: gone on with where they change nothing, else a run of its own.

What a spec trains is in the name of its folder, so an edited spec never meets another's run. A
folder that is named itself may: then only what changes no weights can be set, unless `--fork` says
that the change is meant. The fork lies beside its origin and begins at step 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from eqspec.commands.planning.data_places import DataPlaces
from eqspec.commands.planning.plans import Planned, plan_spec
from eqspec.commands.running.folder_guard import guard
from eqspec.errors import UsageError
from eqspec.runs.artifacts import read_text
from eqspec.runs.folder import RunFolder


def plan_folder(path: Path, *, overrides: Sequence[str], data: DataPlaces, fork: bool) -> Planned:
    """The plan of a run folder with something set anew.

    Args:
        overrides: `path=value`, as `--set` takes them.
        fork: a change of what is trained is meant.

    Returns:
        The plan, with the folder that it goes on in; None there for a fork.

    Raises:
        SpecError: with everything that is wrong with the settings.
        FolderMismatch: when they change what is trained and no fork is asked for.
        UsageError: when a fork is asked for and nothing is changed.
    """
    folder = RunFolder.open(path)
    folder.sealed().need("plan.json", "resolved.yaml", "spec.yaml")
    name = folder.identity().name
    planned = plan_spec(path / "resolved.yaml", overrides=overrides, data=data, name=name)
    there = folder.identity()
    if (there.recipe, there.seed) == (planned.plan.recipe, planned.plan.seed):
        if fork:
            raise UsageError(
                f"nothing that is set differs from `{path}`, so there is nothing to fork",
                help="set something else with --set, or repeat the run with --again",
            )
        return dataclasses.replace(planned, folder=path, text=read_text(path / "spec.yaml"))
    if not fork:
        guard(folder, planned.plan)
    return planned
