"""Files that are whole or absent: written beside their target, synced, renamed, hashed.

A reader, or a machine that comes back after a power cut, finds the old file or the new one and
never half of either. What the operating system refuses is said in plain words.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from eqspec.errors import EqspecError, FolderMismatch

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_CAUSES = (
    (
        (errno.ENOSPC, errno.EDQUOT),
        "the disk is full",
        "free some space and give the same command again: a run goes on where it was",
    ),
    (
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "permission denied or read-only",
        "check who owns the folder, or choose another one",
    ),
    (
        (errno.EFBIG,),
        "files may not grow that large here",
        "raise the limit (`ulimit -f`), or choose another disk",
    ),
    (
        (errno.ENOTDIR, errno.EEXIST),
        "a part of this path is a file, where a folder is needed",
        "choose another folder, or move the file away",
    ),
)
"""Error numbers of the operating system, what they mean, and what to do."""

PUT_BACK = (
    "put back a copy of it; without one, move the folder of the run away: the command that made "
    "the run makes it anew"
)
"""What to do about a file of a run that is lost."""

_TEMPORARY = ".tmp"


class Document(BaseModel):
    """A JSON file of a run folder: immutable, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


DocumentT = TypeVar("DocumentT", bound=BaseModel)


class FileEntry(Document):
    """A file as it was when it was hashed."""

    sha256: str
    bytes: int


@contextmanager
def explained(path: Path, *, doing: str = "write") -> Generator[None]:
    """Turns what the operating system says about a file into an error a person can act on.

    Raises:
        EqspecError: in place of any OSError of the body.
    """
    try:
        yield
    except OSError as error:
        raise _in_plain_words(error, path=path, doing=doing) from error


def _in_plain_words(error: OSError, *, path: Path, doing: str) -> EqspecError:
    known = ((why, advice) for numbers, why, advice in _CAUSES if error.errno in numbers)
    why, advice = next(known, (error.strerror or str(error), None))
    return EqspecError(f"cannot {doing} `{path}`: {why}", help=advice)


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Generator[Path]:
    """Yields a temporary path in the same folder that becomes `path` when the body is done.

    Args:
        path: the file to make or replace; its folder is made when it is missing.
        durable: wait until file and folder are on the disk.

    Raises:
        EqspecError: when the file cannot be written; `path` is then as it was.
    """
    if path.is_dir():
        advice = f"name a file, such as `{path / 'NAME'}`"
        raise EqspecError(f"cannot write `{path}`: it is a folder", help=advice)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_TEMPORARY}")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            if durable:
                sync(temporary)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        if durable:
            sync(path.parent)


def sync(path: Path) -> None:
    """Returns once a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, *, data: bytes | memoryview, durable: bool = True) -> None:
    """Writes a file whole or not at all; EqspecError when it cannot be written."""
    with replacing(path, durable=durable) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, *, text: str, durable: bool = True) -> None:
    """Writes a text file in UTF-8, whole or not at all; EqspecError when it cannot be written."""
    write_bytes(path, data=text.encode(), durable=durable)


def write_json(path: Path, *, value: object) -> None:
    """Writes a value as `canonical_json`, whole or not at all."""
    write_text(path, text=canonical_json(value))


def canonical_json(value: object) -> str:
    """JSON for people and hashes: keys in the order given, two spaces, a newline at the end.

    Raises:
        ValueError: for nan and infinities, which JSON does not have.
    """
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_text(path: Path) -> str:
    """Reads a text file.

    Raises:
        EqspecError: when it cannot be read.
        FolderMismatch: when it is missing, or not UTF-8.
    """
    with explained(path, doing="read"):
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise FolderMismatch(f"`{path}` is missing", help=PUT_BACK) from error
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _damaged(path) from error


def read_document(path: Path, *, kind: type[DocumentT]) -> DocumentT:
    """Reads a JSON file into its type.

    Raises:
        EqspecError: when it cannot be read.
        FolderMismatch: when it does not hold what such a file holds.
    """
    try:
        return kind.model_validate_json(read_text(path))
    except ValidationError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> FolderMismatch:
    return FolderMismatch(
        f"`{path}` is damaged: it does not hold what was once written there", help=PUT_BACK
    )


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes; EqspecError when it cannot be read."""
    with explained(path, doing="read"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entry_of(path: Path) -> FileEntry:
    """Hash and size of a file; EqspecError when it cannot be read."""
    digest = sha256_of(path)
    return FileEntry(sha256=digest, bytes=path.stat().st_size)


def is_temporary(name: str) -> bool:
    """Whether a file of this name is what a killed write leaves behind."""
    return name.startswith(".") and name.endswith(_TEMPORARY)


def sweep(folder: Path) -> None:
    """Removes what killed writes left in a folder and below it; for its one writer only."""
    with explained(folder, doing="tidy"):
        for path in sorted(folder.rglob(f".*{_TEMPORARY}")):
            if path.is_symlink() or not path.is_dir():  # no write makes folders of such a name
                path.unlink()
