"""Problems of a run folder that names, sizes and journals reveal, without hashing files.

Cheap enough for lists of runs; `eqspec audit` reads every byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.errors import FolderMismatch
from eqspec.runs import checkpoint
from eqspec.runs.artifacts import PUT_BACK, explained
from eqspec.runs.manifest import GROWS, Problem, Trouble
from eqspec.runs.missing_rows import missing_rows
from eqspec.runs.record import RECORD
from eqspec.runs.seal import is_lost, is_unfinished, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eqspec.runs.folder import RunFolder
    from eqspec.runs.record import RunRecord


def visible_problems(folder: RunFolder) -> Iterator[str]:
    """Yield a sentence for each visible problem of a run.

    Raises:
        FolderMismatch: if its record, or a journal of an unsealed run, is damaged.
    """
    record = folder.record()
    if record is None:
        if is_lost(folder.path):
            yield str(Problem(RECORD, Trouble.LOST))
        yield from lacking(folder, through=max(checkpoint.steps(folder.checkpoints), default=0))
        return
    if is_unfinished(folder.path):
        yield f"sealing was interrupted: `eqspec run {folder.path}` finishes it"
    yield from map(str, _of_other_size(folder, record))


def lacking(folder: RunFolder, *, through: int) -> Iterator[str]:
    """Yield a sentence for each journal that lacks rows of the steps up to `through`.

    Raises:
        FolderMismatch: if a journal is damaged.
    """
    for path in (folder.metrics, folder.timing):
        if (problem := missing_rows(path, through=through)) is not None:
            yield problem


def require_rows(folder: RunFolder, *, through: int) -> None:
    """Refuse to resume from a checkpoint if the journals lack rows of earlier steps.

    Raises:
        FolderMismatch: with the journals and the steps.
    """
    found = tuple(lacking(folder, through=through))
    if found:
        raise FolderMismatch("\n".join(found), help=PUT_BACK)


def require_sealed_files(folder: RunFolder) -> None:
    """Refuse a sealed run with files that are missing or of another size.

    Raises:
        FolderMismatch: with the names of the files.
    """
    record = folder.record()
    found = tuple(_of_other_size(folder, record)) if record is not None else ()
    if found:
        raise refused(folder.path, found)


def _of_other_size(folder: RunFolder, record: RunRecord) -> Iterator[Problem]:
    for name, entry in record.files.items():
        path = folder.path / name
        if not path.is_file():
            yield Problem(name, Trouble.MISSING)
            continue
        with explained(path, doing="read"):
            size = path.stat().st_size
        if size < entry.bytes or (size != entry.bytes and name != GROWS):
            yield Problem(name, Trouble.CHANGED)
