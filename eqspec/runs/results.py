"""Evaluation results in a run folder: numbers as JSON, per-sample values as arrays beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from eqspec.errors import FolderMismatch
from eqspec.runs.artifacts import read_text, replacing, write_json

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

_NAME = re.compile(r"(?P<id>.+)\.step-(?P<step>\d+)")


@dataclass(frozen=True, slots=True)
class Stored:
    """A result as it lies in a folder.

    Attributes:
        summary: metrics and facts, plain data.
        arrays: per-sample values.
    """

    summary: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]


def save_result(folder: Path, *, name: str, stored: Stored) -> None:
    """Writes `<name>.npz` and then `<name>.json`, whose existence says that both are complete."""
    import numpy as np

    with replacing(folder / f"{name}.npz") as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **stored.arrays)
    write_json(folder / f"{name}.json", value=dict(stored.summary))


def load_result(folder: Path, *, name: str) -> Stored | None:
    """A stored result, or None when there is none (or it was not completed)."""
    import numpy as np

    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
        held = {key: arrays[key] for key in arrays.files}
    return Stored(summary=json.loads(read_text(path)), arrays=held)


class Measured(BaseModel):
    """One metric of a stored result.

    Attributes:
        value: None where it was not a number.
        low, high: ends of its 95 % interval, where it has one.
        group: what it is a number of, such as {"row": "encoder"}.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    group: dict[str, str] = {}


class Report(BaseModel):
    """The numbers of a stored result, without its arrays.

    Attributes:
        id: of the evaluation.
        step: training steps done; 0 is before any.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    step: int
    metrics: tuple[Measured, ...]
    facts: dict[str, Any]

    @property
    def rev(self) -> int | None:
        """Of the op that measured it, where the result says so."""
        rev = self.facts.get("rev")
        return rev if isinstance(rev, int) else None


def reports(folder: Path) -> tuple[Report, ...]:
    """Every stored result of a run's folder of evaluations, by id and step.

    Raises:
        FolderMismatch: when one is damaged.
        EqspecError: when one cannot be read.
    """
    named = ((path, _NAME.fullmatch(path.stem)) for path in sorted(folder.glob("*.json")))
    found = [_report(path, id_=m["id"], step=int(m["step"])) for path, m in named if m]
    return tuple(sorted(found, key=lambda report: (report.id, report.step)))


def _report(path: Path, *, id_: str, step: int) -> Report:
    try:
        return Report.model_validate({"id": id_, "step": step, **json.loads(read_text(path))})
    except (ValidationError, ValueError) as error:
        raise FolderMismatch(f"`{path}` is damaged: it holds no result") from error
