"""What is wrong with a run folder, as far as names, sizes and journals tell: no file is hashed.

Cheap enough for whoever lists runs; `eqspec audit` reads every byte.
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
    """What can be seen to be wrong with a run, a sentence each.

    Raises:
        FolderMismatch: when its record, or a journal of an unsealed run, is damaged.
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
    """What its journals lack of the steps up to one, a sentence each.

    Raises:
        FolderMismatch: when one is damaged.
    """
    for path in (folder.metrics, folder.timing):
        if (said := missing_rows(path, through=through)) is not None:
            yield said


def require_rows(folder: RunFolder, *, through: int) -> None:
    """Refuses to resume from a checkpoint whose journals lack rows of the steps before it.

    Raises:
        FolderMismatch: naming the journals, and the steps.
    """
    found = tuple(lacking(folder, through=through))
    if found:
        raise FolderMismatch("\n".join(found), help=PUT_BACK)


def require_sealed_files(folder: RunFolder) -> None:
    """Refuses a sealed run some of whose files are missing or of another size.

    Raises:
        FolderMismatch: naming them.
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
