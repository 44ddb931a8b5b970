"""The files of a run folder, each compared with the folder's seal before it is read.

Whoever shows a number of a sealed run goes through here, so that an edited or exchanged file is
refused where it would have been read. It costs the hash of that one file. A folder that is not
sealed (its run goes on, or was interrupted) has nothing to compare with.
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
    """A file of a sealed folder that is another one than was sealed."""

    def __init__(self, path: Path, trouble: Trouble, *, folder: Path) -> None:
        super().__init__(
            f"`{path}` {trouble}",
            help=f"put back a copy of it; `eqspec audit {folder} --level L0` lists what differs",
        )


@dataclass(frozen=True, slots=True)
class SealedFiles:
    """What a folder's seal says of its files.

    Attributes:
        folder: the run folder.
        entries: by path inside the folder; None where the folder is not sealed.
    """

    folder: Path
    entries: Mapping[str, FileEntry] | None

    @classmethod
    def of(cls, folder: Path) -> SealedFiles:
        """Reads the seal of a folder.

        Raises:
            FolderMismatch: when the record is damaged or does not match its hash.
        """
        record = read_record(folder)
        if record is None:
            return cls(folder, None)
        # A sealing that was cut short has no hash yet, or that of the record before.
        known = {None, record.previous, sha256_of(folder / RECORD)}
        if recorded_hash(folder) not in known:
            raise NotAsSealed(folder / RECORD, Trouble.RECORD, folder=folder)
        return cls(folder, record.files)

    def trouble(self, path: Path) -> Trouble | None:
        """What is wrong with a file; None where it is as it was sealed, or nothing is sealed.

        Raises:
            EqspecError: when it cannot be read.
        """
        if self.entries is None:
            return None
        entry = self.entries.get(path.relative_to(self.folder).as_posix())
        if entry is None:
            return Trouble.EXTRA if path.exists() else None
        if not path.is_file():
            return Trouble.MISSING
        return None if _is(path, entry) else Trouble.CHANGED

    def need(self, *names: str) -> None:
        """Refuses files, named by their paths inside the folder, that are not as they were sealed.

        Raises:
            NotAsSealed: with the file and what to do.
        """
        for path in (self.folder / name for name in names):
            found = self.trouble(path)
            if found is not None:
                raise NotAsSealed(path, found, folder=self.folder)

    def names(self, *, below: str) -> tuple[str, ...]:
        """Paths of the sealed files in a subfolder, relative to it; none without a seal."""
        start = f"{below}/"
        return tuple(n.removeprefix(start) for n in self.entries or () if n.startswith(start))


def require_as_sealed(path: Path) -> Path:
    """The path of a file that is as it was sealed, if it lies in a subfolder of a sealed run.

    Raises:
        NotAsSealed: with the file and what to do.
    """
    run = path.parent.parent
    if (run / "plan.json").is_file():
        SealedFiles.of(run).need(f"{path.parent.name}/{path.name}")
    return path


def _is(path: Path, entry: FileEntry) -> bool:
    """Whether a file is the one of an entry; of another size, it is not read."""
    return path.stat().st_size == entry.bytes and entry_of(path) == entry
