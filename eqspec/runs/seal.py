"""The seal of a run folder: `record.json` with a hash of every file, and `record.sha256` over it.

The record is written after all other files, its hash last. A kill or a full disk in between leaves
a record without its hash, or with that of the previous record: `finish` then compares the files
with the record and writes the hash. A new seal includes the history of earlier ones.

A seal detects damage and mistakes, but not forgery, since anyone can seal a folder again: for that,
publish the hash in `record.sha256` elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eqspec.errors import FolderMismatch
from eqspec.runs.artifacts import (
    FileEntry,
    canonical_json,
    explained,
    read_document,
    remove_folder,
    sha256_of,
    sync,
    write_text,
)
from eqspec.runs.environment import package_versions
from eqspec.runs.live import features_folder
from eqspec.runs.manifest import Problem, Trouble, differences, manifest
from eqspec.runs.record import (
    RECORD,
    RECORD_HASH,
    UNSEALED_RECORD,
    Outcome,
    RunRecord,
    Sealing,
    hash_line,
    read_record,
    recorded_hash,
)
from eqspec.runs.seal_check import of_result, repeat_advice

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

_REWRITTEN = frozenset({"report.html"})


@dataclass(frozen=True, slots=True)
class _Before:
    """The previous seal.

    Attributes:
        sha256: hash of its record; None if there was no seal.
        record: its record; None if there was none or it is missing.
        missing: whether the record has been removed.
    """

    sha256: str | None = None
    record: RunRecord | None = None
    missing: bool = False


def seal(
    folder: Path,
    *,
    outcome: Outcome,
    action: str,
    changed: Collection[str] = (),
    now: datetime | None = None,
) -> RunRecord:
    """Seal a run folder, or seal it again after files were added.

    Args:
        folder: the run folder, locked by the caller.
        outcome: how the run ended.
        action: the command that seals.
        changed: sealed files that were rewritten or removed on purpose; a name with a final slash
            includes everything below it.
        now: the time of sealing.

    Raises:
        FolderMismatch: if another file differs from the previous seal; a new seal would hide it.
        EqspecError: if a file cannot be read or written.
    """
    remove_folder(features_folder(folder))
    files = manifest(folder)
    before = _before(folder, files=files, changed=changed)
    record = RunRecord(
        status=outcome.status,
        step=outcome.step,
        reason=outcome.reason,
        finished=outcome.time,
        versions=package_versions(),
        history=(
            *(before.record.history if before.record is not None else ()),
            _sealing(folder, before, files=files, action=action, now=now or datetime.now(UTC)),
        ),
        files=files,
    )
    write_text(folder / RECORD, text=canonical_json(record.model_dump(mode="json")))
    _write_hash(folder)
    return record


def _sealing(
    folder: Path,
    before: _Before,
    *,
    files: Mapping[str, FileEntry],
    action: str,
    now: datetime,
) -> Sealing:
    found = () if before.record is None else tuple(differences(folder, before.record.files, files))

    def named(trouble: Trouble) -> tuple[str, ...]:
        return tuple(problem.file for problem in found if problem.trouble is trouble)

    return Sealing(
        time=now,
        action=action,
        replaced=before.sha256,
        record_missing=before.missing,
        changed=named(Trouble.CHANGED),
        added=named(Trouble.EXTRA),
        removed=named(Trouble.MISSING),
    )


def unseal(folder: Path) -> None:
    """Set the record aside so that the run can continue; the next seal includes its history."""
    path = folder / RECORD
    if path.exists():
        with explained(path, doing="rename"):
            path.replace(folder / UNSEALED_RECORD)
            sync(folder)


def is_unfinished(folder: Path) -> bool:
    """Whether sealing was interrupted between the record and its hash.

    Raises:
        FolderMismatch: if the record is damaged.
    """
    record = read_record(folder)
    if record is None:
        return False
    recorded = recorded_hash(folder)
    return recorded is None or (
        recorded == record.previous and recorded != sha256_of(folder / RECORD)
    )


def is_lost(folder: Path) -> bool:
    """Whether the record of a sealed folder is missing and was not set aside.

    Raises:
        FolderMismatch: if the record is damaged.
    """
    if read_record(folder) is not None:
        return False
    return _unsealed(folder, recorded=recorded_hash(folder)).missing


def finish(folder: Path) -> None:
    """Finish an interrupted sealing; do nothing if there is none.

    Raises:
        FolderMismatch: if the record is damaged, or the files differ from it.
    """
    if not is_unfinished(folder):
        return
    allowed = {Trouble.UNFINISHED, Trouble.EXTRA}
    problems = tuple(p for p in verify(folder) if p.trouble not in allowed)
    if problems:
        raise refused(folder, problems)
    _write_hash(folder)


def _write_hash(folder: Path) -> None:
    with explained(folder / UNSEALED_RECORD, doing="remove"):
        (folder / UNSEALED_RECORD).unlink(missing_ok=True)
    write_text(folder / RECORD_HASH, text=hash_line(sha256_of(folder / RECORD)))


def verify(folder: Path) -> tuple[Problem, ...]:
    """Return all differences between a folder and its seal.

    Raises:
        EqspecError: if a file cannot be read.
    """
    try:
        record, unfinished = read_record(folder), is_unfinished(folder)
    except FolderMismatch:
        return (Problem(RECORD, Trouble.RECORD),)
    if record is None:
        return (Problem(RECORD, Trouble.LOST if is_lost(folder) else Trouble.UNSEALED),)
    problems = tuple(differences(folder, record.files, manifest(folder)))
    if unfinished:
        return (Problem(RECORD, Trouble.UNFINISHED), *problems)
    matches = recorded_hash(folder) == sha256_of(folder / RECORD)
    return problems if matches else (Problem(RECORD, Trouble.RECORD), *problems)


def _before(folder: Path, *, files: Mapping[str, FileEntry], changed: Collection[str]) -> _Before:
    """Return the previous seal; refuse differences from it other than `changed`."""
    recorded = recorded_hash(folder)
    record = read_record(folder)
    if record is None:
        return _unsealed(folder, recorded=recorded)
    actual = sha256_of(folder / RECORD)
    if recorded != actual and not is_unfinished(folder):
        raise refused(folder, (Problem(RECORD, Trouble.RECORD),))
    problems = tuple(
        problem
        for problem in differences(folder, record.files, files)
        if problem.trouble is not Trouble.EXTRA and not _is_excused(problem.file, changed)
    )
    if problems:
        raise refused(folder, problems)
    return _Before(actual, record)


def _unsealed(folder: Path, *, recorded: str | None) -> _Before:
    """Return the previous seal of a folder without a record: set aside, removed, or none."""
    kept = folder / UNSEALED_RECORD
    if kept.exists() and sha256_of(kept) == recorded:
        return _Before(recorded, read_document(kept, kind=RunRecord))
    missing = recorded is not None or kept.exists()
    return _Before(recorded or None, missing=missing)


def refused(folder: Path, problems: Sequence[Problem]) -> FolderMismatch:
    """Return the error for a folder that differs from its seal."""
    found = "\n".join(f"  {problem}" for problem in problems)
    advice = (
        f"put the files back, or delete `{folder / RECORD}` to seal the folder as it is; the "
        "history then notes that a record was missing"
    )
    if all(of_result(problem.file) for problem in problems):
        advice = repeat_advice(folder)
    return FolderMismatch(f"`{folder}` differs from its seal:\n{found}", help=advice)


def _is_excused(name: str, changed: Collection[str]) -> bool:
    return (
        name in _REWRITTEN
        or name in changed
        or any(name.startswith(above) for above in changed if above.endswith("/"))
    )
