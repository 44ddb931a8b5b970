"""The files that a seal covers, and their differences from the seal."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NoReturn

from eqspec.regular_files import files_below
from eqspec.runs.artifacts import (
    CHECKPOINTS,
    FileEntry,
    entry_of,
    explained,
    is_temporary,
    reading,
)
from eqspec.runs.live import FOLDER as LIVE
from eqspec.runs.record import RECORD, RECORD_HASH, UNSEALED_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

GROWS = "log.txt"
"""The only file that may grow after the seal: a failure or an evaluation appends lines. It must
still start with its sealed contents."""

_NOT_SEALED = frozenset({RECORD, RECORD_HASH, UNSEALED_RECORD})


class Trouble(StrEnum):
    """A problem of a file in a sealed folder."""

    UNSEALED = "is missing: the folder is not sealed"
    LOST = "is missing, though `record.sha256` holds its hash"
    UNFINISHED = "has no hash yet: sealing was interrupted"
    RECORD = "does not match its hash"
    MISSING = "is missing"
    CHANGED = "has changed since it was sealed"
    EXTRA = "was added after the folder was sealed"


@dataclass(frozen=True, slots=True)
class Problem:
    """A difference between a folder and its seal."""

    file: str
    trouble: Trouble

    def __str__(self) -> str:
        return f"`{self.file}` {self.trouble}"


def manifest(folder: Path) -> dict[str, FileEntry]:
    """Return hash and size of every file that a seal covers, sorted by path inside the folder."""
    with explained(folder, doing="read"):
        names = sorted(_names(folder))
    return {name: entry_of(folder / name) for name in names}


def differences(
    folder: Path, sealed: Mapping[str, FileEntry], found: Mapping[str, FileEntry]
) -> Iterator[Problem]:
    """Yield the differences between the files of a folder and its seal, by name."""
    for name in sorted(sealed.keys() | found.keys()):
        if name not in found:
            yield Problem(name, Trouble.MISSING)
        elif name not in sealed:
            yield Problem(name, Trouble.EXTRA)
        elif found[name] != sealed[name] and not _has_only_grown(folder, name, sealed[name]):
            yield Problem(name, Trouble.CHANGED)


def _has_only_grown(folder: Path, name: str, sealed: FileEntry) -> bool:
    if name != GROWS:
        return False
    path = folder / name
    with reading(path) as file:
        return hashlib.sha256(file.read(sealed.bytes)).hexdigest() == sealed.sha256


def _names(folder: Path) -> Iterator[str]:
    # Checkpoints may be on another disk; no other link is followed.
    for path in files_below(folder, linked=(CHECKPOINTS,), onerror=_give_up):
        inside = path.relative_to(folder)
        if LIVE in inside.parts or inside.as_posix() in _NOT_SEALED or is_temporary(path.name):
            continue
        yield inside.as_posix()


def _give_up(error: OSError) -> NoReturn:
    raise error
