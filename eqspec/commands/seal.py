"""`eqspec seal`: the line to publish with a paper, after a check of every file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.errors import EqspecError
from eqspec.runs.artifacts import sha256_of
from eqspec.runs.folder import RunFolder, State
from eqspec.runs.manifest import Problem, Trouble
from eqspec.runs.published_seal import PublishedSeal, SealedRun
from eqspec.runs.record import RECORD
from eqspec.runs.seal import refused

if TYPE_CHECKING:
    from pathlib import Path


def seal_to_publish(path: Path) -> PublishedSeal:
    """Return the seal of a run; write nothing.

    Args:
        path: of the run folder.

    Raises:
        UsageError: if it is not a run folder.
        FolderMismatch: if the record does not match its hash, or a file does not match the record.
        EqspecError: if the run is not sealed, or sealing was interrupted.
    """
    folder = RunFolder.open(path)
    problems = folder.verify()
    if problems and problems[0] == Problem(RECORD, Trouble.UNSEALED):
        raise _unsealed(folder)
    if problems == (Problem(RECORD, Trouble.UNFINISHED),):
        raise EqspecError(
            f"`{path}` is not sealed: sealing was interrupted",
            help=f"`eqspec run {path}` finishes it",
        )
    if problems:
        raise refused(path, problems)
    return PublishedSeal(sha256_of(path / RECORD), SealedRun.of(folder.identity()))


def _unsealed(folder: RunFolder) -> EqspecError:
    if folder.state() is State.RUNNING:
        doing, help_ = "still running", "repeat this command when it has ended"
    else:
        doing, help_ = "not finished", f"`eqspec run {folder.path}` continues it and seals it"
    return EqspecError(f"`{folder.path}` is not sealed: the run is {doing}", help=help_)
