"""`record.json`: how a run ended, what every file was, and every sealing of the folder so far.

The hash of the record stands in `record.sha256`, in the format of `sha256sum --check`. A folder
whose run goes on after its seal keeps the old record as `record.unsealed.json` until it is sealed
again, so that the history is not lost.
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
    """How a run ended. An interrupted run is not sealed: it has not ended."""

    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be sealed.

    Attributes:
        step: optimizer steps done.
        reason: why it failed, one line.
        time: when it ended.
    """

    status: Status
    step: int
    reason: str = ""
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


class Sealing(Document):
    """One sealing of a run folder, beside the seal before it.

    Attributes:
        time: when; None where an older eqspec did not record it.
        action: the command that sealed: `run`, `eval`, `gc`; empty where it was not recorded.
        replaced: SHA-256 of the record before; None of the first sealing.
        record_missing: `record.sha256` named a record that was not there any more: somebody had
            removed it. What changed since, and the sealings before, cannot be told.
        changed, added, removed: files, relative to the record before; a log that only grew has not
            changed.
    """

    time: datetime | None
    action: str
    replaced: str | None
    record_missing: bool = False
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class RunRecord(Document):
    """The contents of `record.json`; format 1 had no history, only the hash of the record before.

    Attributes:
        finished: when the run ended.
        versions: of the packages in use when it was sealed.
        history: every sealing of the folder, this one last.
        files: every file of the folder but the record, its hash and `.live/`.
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
        """SHA-256 of the record that this one replaced."""
        return self.history[-1].replaced

    @model_validator(mode="before")
    @classmethod
    def _from_format_1(cls, data: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
        if not isinstance(data, dict):
            return cast("object", data)
        found = dict(cast("dict[str, object]", data))
        if found.get("format") != 1 or "previous" not in found:
            return found
        unknown = {"time": None, "action": "", "replaced": found.pop("previous")}
        return {**found, "format": 2, "history": [unknown]}


def is_sealed(folder: Path) -> bool:
    """Whether a run has ended in this folder, and been neither removed nor gone on with since."""
    return (folder / RECORD).exists()


def read_record(folder: Path) -> RunRecord | None:
    """The record of a sealed folder; None when it is not sealed.

    Raises:
        FolderMismatch: when the record is damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        return read_document(path, kind=RunRecord)
    except FolderMismatch as error:
        raise FolderMismatch(
            error.message,
            help=f"put back a copy of it, or delete it and give `eqspec run {folder}`: what was "
            "saved is read, and the folder sealed anew; its history then says that a record was "
            "missing",
        ) from error


def hash_line(digest: str) -> str:
    """What `record.sha256` holds for a record with this SHA-256."""
    return f"{digest}  {RECORD}\n"


def recorded_hash(folder: Path) -> str | None:
    """The SHA-256 that `record.sha256` names; None without the file, empty where it is damaged."""
    path = folder / RECORD_HASH
    try:
        text = read_text(path) if path.exists() else None
    except FolderMismatch:
        return ""
    if text is None:
        return None
    digest = text.split(" ")[0]
    return digest if text == hash_line(digest) else ""
