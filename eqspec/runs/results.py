"""Evaluation results in a run folder: numbers as JSON, per-sample values as arrays beside them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from eqspec.errors import EqspecError, FolderMismatch
from eqspec.runs.artifacts import read_document, replacing, write_json

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

SUFFIXES = (".json", ".npz")
"""Of the two files of a result."""

_NAME = re.compile(r"(?P<id>.+)\.step-(?P<step>\d+)")


class DamagedResult(FolderMismatch):
    """A result that cannot be read back: the same evaluation can be made anew."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"`{path}` is missing or damaged: the result in it cannot be read",
            help=f"`eqspec eval {path.parent.parent}` judges the run anew where it has to",
        )
        self.path = path


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
    """A stored result, or None when there is none (or it was not completed).

    Raises:
        DamagedResult: when there is one that cannot be read.
    """
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    summary = _summary(path).model_dump(mode="json")
    return Stored(summary=summary, arrays=_arrays(folder / f"{name}.npz"))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    import numpy as np

    try:
        with zipfile.ZipFile(path) as whole:
            torn = whole.testzip()  # reading alone may stop before the checksum
        with np.load(path, allow_pickle=False) as arrays:
            held = {key: arrays[key] for key in arrays.files}
    except Exception as error:  # any byte of it may be another one
        raise DamagedResult(path) from error
    if torn is not None:
        raise DamagedResult(path)
    return held


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


class _Summary(BaseModel):
    model_config = ConfigDict(frozen=True)

    metrics: tuple[Measured, ...]
    facts: dict[str, Any]


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
        DamagedResult: when one cannot be read.
    """
    found = [_report(*one) for one in _named(folder)]
    return tuple(sorted(found, key=lambda report: (report.id, report.step)))


def whole_steps(folder: Path) -> Mapping[str, frozenset[int]]:
    """Id of an evaluation → the steps of its results that look whole; their arrays are not read."""
    found: dict[str, frozenset[int]] = {}
    for path, id_, step in _named(folder):
        try:
            _summary(path)
        except DamagedResult:
            continue
        if zipfile.is_zipfile(path.with_suffix(".npz")):
            found[id_] = found.get(id_, frozenset()) | {step}
    return found


def _named(folder: Path) -> Iterator[tuple[Path, str, int]]:
    for path in sorted(folder.glob("*.json")):
        match = _NAME.fullmatch(path.stem)
        if match is not None:
            yield path, match["id"], int(match["step"])


def _report(path: Path, id_: str, step: int) -> Report:
    summary = _summary(path)
    return Report(id=id_, step=step, metrics=summary.metrics, facts=summary.facts)


def _summary(path: Path) -> _Summary:
    try:
        return read_document(path, kind=_Summary)
    except EqspecError as error:
        raise DamagedResult(path) from error
