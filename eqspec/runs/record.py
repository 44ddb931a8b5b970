"""`record.json`: outcome of a run, hashes of its files, and the history of sealings.

The hash of the record is in `record.sha256`, in the format of `sha256sum --check`. When a sealed
run continues, the old record is kept as `record.unsealed.json` until the folder is sealed again, so
that the history is not lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, cast

from pydantic import Field, model_validator

from eqspec.errors import FolderMismatch
from eqspec.runs.artifacts import Document, FileEntry, read_document, read_text

if TYPE_CHECKING:
    from pathlib import Path

RECORD = "record.json"
RECORD_HASH = "record.sha256"
UNSEALED_RECORD = "record.unsealed.json"


class Status(StrEnum):
    """Status of a run that has ended; an interrupted run has not, and is not sealed."""

    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a run, for its record.

    Attributes:
        status: finished or failed.
        step: optimizer steps done.
        reason: reason of a failure, in one line.
        time: end of the run.
    """

    status: Status
    step: int
    reason: str = ""
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


class Sealing(Document):
    """One sealing of a run folder, with the changes since the previous one.

    Attributes:
        time: time of sealing; None if an older eqspec did not record it.
        action: command that sealed: `run`, `eval`, `gc`; empty if not recorded.
        replaced: SHA-256 of the previous record; None for the first sealing.
        record_missing: whether the record with the hash in `record.sha256` had been removed. The
            changes since then, and earlier sealings, are unknown.
        changed, added, removed: files that differ from the previous record; a log that only grew
            counts as unchanged.
    """

    time: datetime | None
    action: str
    replaced: str | None
    record_missing: bool = False
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class RunRecord(Document):
    """The contents of `record.json`; format 1 had only the hash of the previous record as history.

    Attributes:
        finished: end of the run.
        versions: package versions at the time of sealing.
        history: all sealings of the folder, this one last.
        files: all files of the folder except the record, its hash and `.live/`.
    """

    format: Literal[2] = 2
    status: Status
    step: int
    reason: str
    finished: datetime
    versions: dict[str, str | None]
    history: tuple[Sealing, ...] = Field(min_length=1)
    files: dict[str, FileEntry]

    @property
    def previous(self) -> str | None:
        """SHA-256 of the previous record."""
        return self.history[-1].replaced

    @model_validator(mode="before")
    @classmethod
    def _from_format_1(cls, data: Any) -> Any:  # noqa: ANN401 - any JSON
        if not isinstance(data, dict):
            return cast("object", data)
        found = dict(cast("dict[str, object]", data))
        if found.get("format") != 1 or "previous" not in found:
            return found
        unknown = {"time": None, "action": "", "replaced": found.pop("previous")}
        return {**found, "format": 2, "history": [unknown]}


def is_sealed(folder: Path) -> bool:
    """Whether the run in this folder has ended and was sealed."""
    return (folder / RECORD).exists()


def read_record(folder: Path) -> RunRecord | None:
    """Read the record of a sealed folder; None if it is not sealed.

    Raises:
        FolderMismatch: if the record is damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        return read_document(path, kind=RunRecord)
    except FolderMismatch as error:
        raise FolderMismatch(
            error.message,
            help=f"put back a copy of it, or delete it and repeat `eqspec run {folder}`, which "
            "seals the saved files again; the history then notes that a record was missing",
        ) from error


def hash_line(digest: str) -> str:
    """Return the contents of `record.sha256` for a record with this SHA-256."""
    return f"{digest}  {RECORD}\n"


def recorded_hash(folder: Path) -> str | None:
    """Return the SHA-256 in `record.sha256`; None without the file, empty if it is damaged."""
    path = folder / RECORD_HASH
    try:
        text = read_text(path) if path.exists() else None
    except FolderMismatch:
        return ""
    if text is None:
        return None
    digest = text.split(" ")[0]
    return digest if text == hash_line(digest) else ""
