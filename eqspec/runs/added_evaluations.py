"""Evaluations that `eqspec eval` has added to a run: as planned, beside their results.

    evaluations/plans/<id>.json

With them an added result can be measured again, by `eqspec eval` where its file is damaged and by
`eqspec audit`, although the run's own plan does not list it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.compile.types.plan import EvalPlan
from eqspec.errors import EqspecError
from eqspec.runs.artifacts import read_document, write_json
from eqspec.runs.manifest import Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from eqspec.runs.folder import RunFolder

PLANS = "plans"
"""Their folder, in that of the results; no evaluation has such an id."""


def save_added(folder: RunFolder, evaluation: EvalPlan) -> None:
    """Save the plan of an added evaluation, unless an intact one is there."""
    path = _path(folder, evaluation.id)
    if _read(folder, path) != evaluation:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, value=evaluation.model_dump(mode="json"))


def added_evaluations(folder: RunFolder) -> tuple[EvalPlan, ...]:
    """Return the added evaluations of a run, by id; a damaged plan is left out."""
    paths = sorted((folder.evaluations / PLANS).glob("*.json"))
    found = (_read(folder, path) for path in paths)
    return tuple(evaluation for evaluation in found if evaluation is not None)


def _path(folder: RunFolder, id_: str) -> Path:
    return folder.evaluations / PLANS / f"{id_}.json"


def _read(folder: RunFolder, path: Path) -> EvalPlan | None:
    """Return a plan that is there, belongs to its name and does not differ from the seal."""
    try:
        if not path.is_file() or folder.sealed().trouble(path) not in {None, Trouble.EXTRA}:
            return None
        found = read_document(path, kind=EvalPlan)
    except EqspecError:
        return None
    return found if found.id == path.stem else None
