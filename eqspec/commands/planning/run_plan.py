"""The plan of a run folder."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from eqspec.compile.types.plan import Plan
from eqspec.errors import FolderMismatch
from eqspec.runs.added_evaluations import added_evaluations
from eqspec.runs.folder import RunFolder


def plan_in(folder: Path) -> Plan:
    """Return the plan of a run folder.

    Raises:
        UsageError: there is no run in it.
        FolderMismatch: its plan cannot be read.
    """
    opened = RunFolder.open(folder)
    opened.sealed().require("plan.json")
    opened.identity()  # explains a damaged plan
    try:
        return Plan.model_validate(opened.plan())
    except ValidationError as error:
        raise FolderMismatch(
            f"`{folder / 'plan.json'}` cannot be read: another version of eqspec wrote it, or it "
            "is damaged",
            help="use the version that wrote the run, or repeat the run with this one",
        ) from error


def plan_with_added(folder: Path) -> Plan:
    """Return the plan of a run folder with the evaluations that `eqspec eval` has added to it.

    Raises:
        UsageError: there is no run in it.
        FolderMismatch: its plan cannot be read.
    """
    plan = plan_in(folder)
    added = added_evaluations(RunFolder.open(folder))
    return plan.model_copy(update={"evaluations": (*plan.evaluations, *added)})
