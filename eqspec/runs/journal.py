"""Append-only journals: `metrics.jsonl` and `timing.jsonl`, one compact JSON object per line.

    {"step":120,"name":"train","values":{"loss":1.25,"recon":0.0625}}

Floats read back bit for bit. A line is complete with its newline: an incomplete last line, left by
a killed process, is removed when the journal is opened and ignored by readers. On resume, `rewind`
removes the rows after the checkpoint, so that the final file has the same bytes as that of an
uninterrupted run. This requires a fixed order: write the rows of the step, `sync`, then save the
checkpoint.
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
"""Maximum bytes of a line, far more than any step writes."""


class Row(BaseModel):
    """One line of a journal.

    Attributes:
        step: optimizer steps done.
        name: kind of event, such as `train`.
        values: numbers by name, including NaN and infinities.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: int = Field(ge=0)
    name: str
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Extent:
    """End of the rows to keep, in bytes, and the step of the last one."""

    end: int = 0
    step: int = 0


class Journal(AppendOnlyFile):
    """A journal open for appending; this process must have locked its folder."""

    def __init__(self, path: Path) -> None:
        """Open a journal, create it if it is missing, and remove an incomplete last line.

        Raises:
            FolderMismatch: if a line before the last one is damaged.
            EqspecError: if it cannot be read or written.
        """
        if not path.exists():
            write_text(path, text="")
        whole = _extent(path, through=None)
        super().__init__(path)
        self._cut(whole)

    def write(self, step: int, *, name: str, values: Mapping[str, float]) -> None:
        """Append a row; readers see it at once.

        Args:
            step: optimizer steps done; at least that of the previous row.
            name: kind of event.
            values: plain numbers, no tensors; written in the given order.

        Raises:
            EqspecError: if the disk is full.
        """
        assert step >= self._step, f"step {step} after step {self._step} in {self._path}"
        row = {"step": step, "name": name, "values": {k: _number(v) for k, v in values.items()}}
        text = json.dumps(row, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        rest = memoryview(text.encode() + b"\n")
        with explained(self._path):
            while rest:  # a disk that is almost full may accept only a part
                rest = rest[self._file.write(rest) :]
        self._step = step

    def sync(self) -> None:
        """Wait until every row is on the disk; call this before saving a checkpoint."""
        with explained(self._path):
            os.fsync(self._file.fileno())

    def rewind(self, step: int) -> None:
        """Remove every row after a step, that of the checkpoint to resume from.

        A kill during the truncation leaves rows that the next rewind removes.

        Raises:
            FolderMismatch: if a line is damaged.
        """
        self._cut(_extent(self._path, through=step))

    def _cut(self, extent: _Extent) -> None:
        self._step = extent.step
        with explained(self._path):
            if self._path.stat().st_size > extent.end:
                self._file.truncate(extent.end)
                self.sync()


def read(path: Path) -> Iterator[Row]:
    """Yield the rows of a journal in order, also of a run in progress; none without a file.

    Raises:
        FolderMismatch: if a line before the last one is damaged.
        EqspecError: if it cannot be read.
    """
    if path.exists():
        for _, row in _scan(path):
            yield row


def latest(path: Path) -> dict[str, Row]:
    """Return the last row of each name near the end of a journal, without reading all of it.

    Raises:
        EqspecError: if it cannot be read.
    """
    if not path.exists():
        return {}
    with reading(path) as file:
        start = max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
        file.seek(start)
        lines = file.read().splitlines(keepends=True)
    # When reading starts in the middle of the file, the first line is incomplete.
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
    """Yield each row with its end position in bytes, up to an incomplete last line."""
    end = 0
    with reading(path) as file:
        for number, line in enumerate(lines_of(file), start=1):
            row = parsed(line)
            if row is None:
                require_end(file, path=path, number=number)
                return
            end += len(line)
            yield end, row


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a journal; a line that is too long comes in invalid pieces."""
    return iter(partial(file.readline, _LONGEST), b"")


def require_end(file: BinaryIO, *, path: Path, number: int) -> None:
    """Refuse an invalid line unless it is the last one, which may be incomplete.

    Raises:
        FolderMismatch: if the file continues after the line.
    """
    if file.read(1):
        raise FolderMismatch(f"`{path}` is damaged: line {number} is not a row")


def parsed(line: bytes) -> Row | None:
    """Parse a line; None if it is not a row, or lacks its newline."""
    if not line.endswith(b"\n"):
        return None
    try:
        return Row.model_validate(parsed_json(line))
    except ValueError:  # pydantic's ValidationError is one
        return None


def _number(value: float) -> float | str:
    """Return NaN and infinities, which JSON does not have, as strings that `Row` reads back."""
    number = float(value)
    return number if math.isfinite(number) else repr(number)
