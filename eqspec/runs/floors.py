"""The floors of a run's path, in `floors.json`, and its reconstruction beside them.

They are measured once, before the first step, from which no number of the training depends on them.
Runs without reconstruction, and those of older versions, have no such file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eqspec.nn.readouts.floors import PathFloors, Reduction, Standing, standing
from eqspec.runs import journal
from eqspec.runs.artifacts import Document, read_document, write_json
from eqspec.runs.curves import TRAIN

if TYPE_CHECKING:
    from eqspec.runs.folder import RunFolder

FLOORS = "floors.json"


class RunFloors(Document):
    """The contents of `floors.json`.

    Attributes:
        term: name of the loss term that is compared with the floors.
        reduction: how it sums up its squared errors.
        floors: of the path.
    """

    term: str
    reduction: Reduction
    floors: PathFloors


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """The floors of a run, and where its reconstruction stands beside them.

    Attributes:
        found: None before the first step.
    """

    stored: RunFloors
    found: Standing | None


def save_floors(folder: RunFolder, found: RunFloors) -> None:
    """Write the floors of a run.

    Raises:
        EqspecError: if they cannot be written.
    """
    write_json(folder.path / FLOORS, value=found.model_dump(mode="json"))


def load_floors(folder: RunFolder) -> RunFloors | None:
    """Read the floors of a run; None where it has none.

    Raises:
        FolderMismatch: if they are damaged, or differ from the seal.
    """
    folder.sealed().require(FLOORS)
    path = folder.path / FLOORS
    return read_document(path, kind=RunFloors) if path.exists() else None


def reconstruction(folder: RunFolder) -> Reconstruction | None:
    """Return the reconstruction of a run beside its floors; None where it has no floors.

    Raises:
        FolderMismatch: if the floors or the journal are damaged, or differ from the seal.
    """
    stored = load_floors(folder)
    if stored is None:
        return None
    folder.sealed().require(folder.metrics.name)
    rows = (row for row in journal.read(folder.metrics) if row.name == TRAIN)
    curve = {row.step: row.values[stored.term] for row in rows if stored.term in row.values}
    return Reconstruction(stored, standing(curve, reduction=stored.reduction, floors=stored.floors))
