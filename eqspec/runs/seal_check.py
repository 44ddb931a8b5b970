"""Check files of a run folder against its seal before they are read.

Every command that shows numbers of a sealed run uses this module, so that edited or exchanged files
are refused. The cost is the hash of each file that is read. A folder without a seal (its run
continues, or was interrupted) has no hashes to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eqspec.errors import FolderMismatch
from eqspec.runs.artifacts import FileEntry, entry_of, sha256_of
from eqspec.runs.manifest import Trouble
from eqspec.runs.record import RECORD, read_record, recorded_hash

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class NotAsSealed(FolderMismatch):
    """A file of a sealed folder that differs from the seal."""

    def __init__(self, path: Path, trouble: Trouble, *, folder: Path) -> None:
        advice = f"put back a copy of it; `eqspec audit {folder} --level L0` lists what differs"
        if of_result(path.relative_to(folder).as_posix()):
            advice = repeat_advice(folder)
        super().__init__(f"`{path}` {trouble}", help=advice)


@dataclass(frozen=True, slots=True)
class SealedFiles:
    """The sealed hashes of a folder's files.

    Attributes:
        folder: the run folder.
        entries: hash and size by path inside the folder; None if the folder is not sealed.
    """

    folder: Path
    entries: Mapping[str, FileEntry] | None

    @classmethod
    def of(cls, folder: Path) -> SealedFiles:
        """Read the seal of a folder.

        Raises:
            FolderMismatch: if the record is damaged or does not match its hash.
        """
        record = read_record(folder)
        if record is None:
            return cls(folder, None)
        # After an interrupted sealing the hash is missing, or that of the previous record.
        known = {None, record.previous, sha256_of(folder / RECORD)}
        if recorded_hash(folder) not in known:
            raise NotAsSealed(folder / RECORD, Trouble.RECORD, folder=folder)
        return cls(folder, record.files)

    def trouble(self, path: Path) -> Trouble | None:
        """Return the problem of a file; None if it matches the seal, or without a seal.

        Raises:
            EqspecError: if it cannot be read.
        """
        if self.entries is None:
            return None
        entry = self.entries.get(path.relative_to(self.folder).as_posix())
        if entry is None:
            return Trouble.EXTRA if path.exists() else None
        if not path.is_file():
            return Trouble.MISSING
        return None if _is(path, entry) else Trouble.CHANGED

    def require(self, *names: str) -> None:
        """Refuse files, given by paths inside the folder, that differ from the seal.

        Raises:
            NotAsSealed: with the file and advice.
        """
        for path in (self.folder / name for name in names):
            found = self.trouble(path)
            if found is not None:
                raise NotAsSealed(path, found, folder=self.folder)

    def names(self, *, below: str) -> tuple[str, ...]:
        """Return the sealed files in a subfolder, relative to it; none without a seal."""
        start = f"{below}/"
        return tuple(n.removeprefix(start) for n in self.entries or () if n.startswith(start))


def of_result(name: str) -> bool:
    """Whether a file inside a run folder belongs to a result, or to the training behind one."""
    return name.startswith("evaluations/")


def repeat_advice(folder: Path) -> str:
    """Return the advice for damaged files of results."""
    return (
        f"`eqspec eval {folder}` repeats the evaluation (with the `--data` that it was given); if "
        "its checkpoint is gone, put back a copy of the file"
    )


def require_as_sealed(path: Path) -> Path:
    """Return a path after checking it against the seal, if it is in a subfolder of a sealed run.

    Raises:
        NotAsSealed: with the file and advice.
    """
    run = path.parent.parent
    if (run / "plan.json").is_file():
        SealedFiles.of(run).require(f"{path.parent.name}/{path.name}")
    return path


def _is(path: Path, entry: FileEntry) -> bool:
    """Whether a file matches an entry; a file of another size is not read."""
    return path.stat().st_size == entry.bytes and entry_of(path) == entry
