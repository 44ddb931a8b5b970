"""The seal of a run folder: `record.json` with a hash of every file, and `record.sha256` over it.

`record.json` says how the run ended and what every file was; it is written when all else is there.
`record.sha256` is in the format of `sha256sum --check`. A new seal carries the hash of the one
before, so that what was added later can be told from what was there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

from eqspec.errors import FolderMismatch
from eqspec.runs.artifacts import (
    Document,
    FileEntry,
    canonical_json,
    entry_of,
    explained,
    is_temporary,
    read_document,
    read_text,
    sha256_of,
    write_text,
)
from eqspec.runs.environment import package_versions
from eqspec.runs.live import FOLDER as LIVE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

RECORD = "record.json"
RECORD_HASH = "record.sha256"
_MAY_GROW = frozenset({"log.txt", "timing.jsonl", "report.html"})


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


class RunRecord(Document):
    """The contents of `record.json`.

    Attributes:
        versions: of the packages in use when it was sealed.
        previous: SHA-256 of the record this one replaced.
        files: every file of the folder but the record, its hash and `.live/`.
    """

    format: Literal[1] = 1
    status: Status
    step: int
    reason: str
    finished: datetime
    versions: dict[str, str | None]
    previous: str | None
    files: dict[str, FileEntry]


class Trouble(StrEnum):
    """What can be wrong with a file of a sealed folder."""

    UNSEALED = "is not there: the folder is not sealed"
    RECORD = "does not match its hash"
    MISSING = "is missing"
    CHANGED = "has changed since it was sealed"
    EXTRA = "was added after the folder was sealed"


@dataclass(frozen=True, slots=True)
class Problem:
    """One way in which a folder differs from its seal."""

    file: str
    trouble: Trouble

    def __str__(self) -> str:
        return f"`{self.file}` {self.trouble}"


def seal(folder: Path, *, outcome: Outcome, changed: Collection[str] = ()) -> RunRecord:
    """Seals a run folder, or seals it again after files were added.

    Args:
        folder: the run folder; its writer is the caller.
        outcome: how the run ended.
        changed: sealed files that were rewritten or removed on purpose; a name that ends in a
            slash stands for all below it. Log, timing and report may always change.

    Raises:
        FolderMismatch: when another file differs from the seal before: a new seal would hide it.
        EqspecError: when a file cannot be read or written.
    """
    files = manifest(folder)
    previous = _previous_seal(folder, files=files, changed=changed)
    record = RunRecord(
        status=outcome.status,
        step=outcome.step,
        reason=outcome.reason,
        finished=outcome.time,
        versions=package_versions(),
        previous=previous,
        files=files,
    )
    write_text(folder / RECORD, text=canonical_json(record.model_dump(mode="json")))
    write_text(folder / RECORD_HASH, text=_hash_line(sha256_of(folder / RECORD)))
    return record


def unseal(folder: Path) -> None:
    """Takes the record away so that a run can go on; its hash stays for the next seal to name."""
    with explained(folder / RECORD, doing="remove"):
        (folder / RECORD).unlink(missing_ok=True)


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
            "saved is read, and the folder sealed anew",
        ) from error


def manifest(folder: Path) -> dict[str, FileEntry]:
    """Hash and size of every file that a seal covers, by its path inside the folder, sorted."""
    with explained(folder, doing="read"):
        names = sorted(_names(folder))
    return {name: entry_of(folder / name) for name in names}


def verify(folder: Path) -> tuple[Problem, ...]:
    """Every way in which a folder differs from its seal; empty when it is as it was sealed.

    Raises:
        EqspecError: when a file cannot be read.
    """
    if not (folder / RECORD).exists():
        return (Problem(RECORD, Trouble.UNSEALED),)
    try:
        record = read_document(folder / RECORD, kind=RunRecord)
    except FolderMismatch:
        return (Problem(RECORD, Trouble.RECORD),)
    problems = tuple(_differences(record.files, manifest(folder)))
    if _sealed_line(folder) != _hash_line(sha256_of(folder / RECORD)):
        return (Problem(RECORD, Trouble.RECORD), *problems)
    return problems


def _previous_seal(
    folder: Path, *, files: Mapping[str, FileEntry], changed: Collection[str]
) -> str | None:
    """SHA-256 of the record that a new seal replaces; nothing but `changed` may differ from it."""
    line = _sealed_line(folder)
    record = read_record(folder)
    if record is None:
        return line.split(" ")[0] if line else None
    actual = sha256_of(folder / RECORD)
    # A seal that was cut short between its two files has the hash of the one before beside it.
    unfinished = None if record.previous is None else _hash_line(record.previous)
    if line not in {_hash_line(actual), unfinished}:
        raise _refused(folder, (Problem(RECORD, Trouble.RECORD),))
    problems = tuple(
        problem
        for problem in _differences(record.files, files)
        if problem.trouble is not Trouble.EXTRA and not _is_excused(problem.file, changed)
    )
    if problems:
        raise _refused(folder, problems)
    return actual


def _refused(folder: Path, problems: tuple[Problem, ...]) -> FolderMismatch:
    found = "\n".join(f"  {problem}" for problem in problems)
    return FolderMismatch(
        f"`{folder}` is not as it was sealed:\n{found}",
        help=f"put the files back, or delete `{folder / RECORD}` to seal the folder as it is",
    )


def _is_excused(name: str, changed: Collection[str]) -> bool:
    return (
        name in _MAY_GROW
        or name in changed
        or any(name.startswith(above) for above in changed if above.endswith("/"))
    )


def _differences(
    sealed: Mapping[str, FileEntry], found: Mapping[str, FileEntry]
) -> Iterator[Problem]:
    for name in sorted(sealed.keys() | found.keys()):
        if name not in found:
            yield Problem(name, Trouble.MISSING)
        elif name not in sealed:
            yield Problem(name, Trouble.EXTRA)
        elif found[name] != sealed[name]:
            yield Problem(name, Trouble.CHANGED)


def _names(folder: Path) -> Iterator[str]:
    # Links are followed: checkpoints may lie on another disk.
    for parent, folders, names in os.walk(folder, onerror=_give_up, followlinks=True):
        if Path(parent) == folder:
            folders[:] = [name for name in folders if name != LIVE]
        for name in names:
            inside = (Path(parent) / name).relative_to(folder).as_posix()
            if inside not in {RECORD, RECORD_HASH} and not is_temporary(name):
                yield inside


def _give_up(error: OSError) -> NoReturn:
    raise error


def _hash_line(digest: str) -> str:
    return f"{digest}  {RECORD}\n"


def _sealed_line(folder: Path) -> str | None:
    path = folder / RECORD_HASH
    try:
        return read_text(path) if path.exists() else None
    except FolderMismatch:
        return ""
