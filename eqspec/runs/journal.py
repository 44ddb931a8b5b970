"""Append-only journals: `metrics.jsonl` and `timing.jsonl`, one compact JSON object per line.

    {"step":120,"name":"train","values":{"loss":1.25,"recon":0.0625}}

Floats are written so that they read back bit for bit. A line counts once its newline is there: the
torn end that a killed process leaves is dropped when the journal is opened, and is passed over by
readers. On resume `rewind` drops what lies after the checkpoint, so that the finished file has the
same bytes as that of a run that was never stopped. This rests on one order at a pause: write the
rows of the step, `sync`, then save the checkpoint.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from eqspec.errors import FolderMismatch
from eqspec.runs.append_only_file import AppendOnlyFile
from eqspec.runs.artifacts import explained, reading, write_text
from eqspec.runs.bounded_json import parsed_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

_TAIL_BYTES = 65536
_LONGEST = 2**20
"""Bytes of a line; no step has so many numbers."""


class Row(BaseModel):
    """One line of a journal.

    Attributes:
        step: optimizer steps done when it happened.
        name: of the kind of event.
        values: by name; nan and infinities included.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: int = Field(ge=0)
    name: str
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Extent:
    """Where the rows to keep end, in bytes, and the step of the last of them."""

    end: int = 0
    step: int = 0


class Journal(AppendOnlyFile):
    """A journal open for appending; its folder is held by this process."""

    def __init__(self, path: Path) -> None:
        """Opens a journal, makes it when it is missing, and drops a torn end.

        Raises:
            FolderMismatch: when a line before the last one is damaged.
            EqspecError: when it cannot be read or written.
        """
        if not path.exists():
            write_text(path, text="")
        whole = _extent(path, through=None)
        super().__init__(path)
        self._cut(whole)

    def write(self, step: int, *, name: str, values: Mapping[str, float]) -> None:
        """Appends a row; readers see it at once.

        Args:
            step: optimizer steps done; never less than in the row before.
            name: of the kind of event.
            values: plain numbers, no tensors; written in the order given.

        Raises:
            EqspecError: when the disk is full.
        """
        assert step >= self._step, f"step {step} after step {self._step} in {self._path}"
        row = {"step": step, "name": name, "values": {k: _number(v) for k, v in values.items()}}
        text = json.dumps(row, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        rest = memoryview(text.encode() + b"\n")
        with explained(self._path):
            while rest:  # a disk that is filling up takes a part before it refuses
                rest = rest[self._file.write(rest) :]
        self._step = step

    def sync(self) -> None:
        """Returns once every row is on the disk; to be called before a checkpoint is saved."""
        with explained(self._path):
            os.fsync(self._file.fileno())

    def rewind(self, step: int) -> None:
        """Drops every row after a step: the step of the checkpoint that the run resumes from.

        Cutting the file short is a single change of its length, so a kill in the middle of it
        leaves rows that the next rewind drops.

        Raises:
            FolderMismatch: when a line is damaged.
        """
        self._cut(_extent(self._path, through=step))

    def _cut(self, extent: _Extent) -> None:
        self._step = extent.step
        with explained(self._path):
            if self._path.stat().st_size > extent.end:
                self._file.truncate(extent.end)
                self.sync()


def read(path: Path) -> Iterator[Row]:
    """The rows of a journal in order, those of a run in progress included; none without a file.

    Raises:
        FolderMismatch: when a line before the last one is damaged.
        EqspecError: when it cannot be read.
    """
    if path.exists():
        for _, row in _scan(path):
            yield row


def latest(path: Path) -> dict[str, Row]:
    """The last row of each name near the end of a journal, whatever its length, and cheaply.

    Raises:
        EqspecError: when it cannot be read.
    """
    if not path.exists():
        return {}
    with reading(path) as file:
        start = max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
        file.seek(start)
        lines = file.read().splitlines(keepends=True)
    # Started in the middle of the file, the first line is half a line.
    rows = [parsed(line) for line in lines[1 if start else 0 :]]
    return {row.name: row for row in rows if row is not None}


def _extent(path: Path, *, through: int | None) -> _Extent:
    extent = _Extent()
    for end, row in _scan(path):
        if through is not None and row.step > through:
            break
        extent = _Extent(end=end, step=row.step)
    return extent


def _scan(path: Path) -> Iterator[tuple[int, Row]]:
    """Each row with the position of its end in bytes, up to a torn end."""
    end = 0
    with reading(path) as file:
        for number, line in enumerate(lines_of(file), start=1):
            row = parsed(line)
            if row is None:
                need_end(file, path=path, number=number)
                return
            end += len(line)
            yield end, row


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a journal; one that is far too long comes in pieces, which are no rows."""
    return iter(partial(file.readline, _LONGEST), b"")


def need_end(file: BinaryIO, *, path: Path, number: int) -> None:
    """Refuses a line that is no row, unless it is the last one: that one may be torn.

    Raises:
        FolderMismatch: when more follows in the file.
    """
    if file.read(1):
        raise FolderMismatch(f"`{path}` is damaged: line {number} is not a row")


def parsed(line: bytes) -> Row | None:
    """The row that a line holds; None where it holds none, or lacks its newline."""
    if not line.endswith(b"\n"):
        return None
    try:
        return Row.model_validate(parsed_json(line))
    except ValueError:  # pydantic's ValidationError is one
        return None


def _number(value: float) -> float | str:
    """JSON has no nan and no infinities: they are written as strings, which `Row` reads back."""
    number = float(value)
    return number if math.isfinite(number) else repr(number)
