"""Trainings of evaluations: run folders inside that of a run, each with a seal of its own.

The seal of the run covers their files too. Both are compared, since a folder may have been sealed
again after one of its trainings was changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.errors import FolderMismatch
from eqspec.runs.artifacts import CHECKPOINTS
from eqspec.runs.manifest import Problem, Trouble
from eqspec.runs.record import RECORD
from eqspec.runs.seal import is_lost
from eqspec.runs.seal_check import NotAsSealed, SealedFiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eqspec.runs.folder import RunFolder


def training_folders(folder: RunFolder) -> Iterator[Path]:
    """Yield the folders of all trainings of a run's evaluations, by name."""
    yield from (plan.parent for plan in sorted(folder.evaluations.glob("*/*/plan.json")))


def training_problem(
    folder: RunFolder, training: Path, *, checkpoints: bool = True
) -> Problem | None:
    """Return the first file of a training that differs from a seal; None if none does.

    Args:
        folder: of the run.
        training: folder of the training, which may not have been sealed yet, or be missing.
        checkpoints: whether to read checkpoints too.
    """
    inside = training.relative_to(folder.path).as_posix()
    try:
        own = SealedFiles.of(training)
        lost = own.entries is None and is_lost(training)
    except FolderMismatch:
        return Problem(f"{inside}/{RECORD}", Trouble.RECORD)
    if lost:
        return Problem(f"{inside}/{RECORD}", Trouble.LOST)
    outer, entries = folder.sealed(), own.entries or {}
    by_run = (name for name in outer.names(below=inside) if name not in entries)
    for files, name in (*((own, name) for name in entries), *((outer, name) for name in by_run)):
        if not checkpoints and name.startswith(f"{CHECKPOINTS}/"):
            continue
        if (trouble := files.trouble(training / name)) is not None:
            return Problem(f"{inside}/{name}", trouble)
    return None


def require_trainings(folder: RunFolder) -> None:
    """Refuse a run with a training whose files, apart from checkpoints, differ from a seal.

    Raises:
        NotAsSealed: with the file and advice.
    """
    for training in training_folders(folder):
        problem = training_problem(folder, training, checkpoints=False)
        if problem is not None:
            raise NotAsSealed(folder.path / problem.file, problem.trouble, folder=folder.path)
