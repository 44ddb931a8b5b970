"""Files that are whole or absent: written beside their target, synced, renamed, hashed.

A reader, or a machine that comes back after a power cut, finds the old file or the new one and
never half of either. What the operating system refuses is said in plain words.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue

from eqspec.errors import EqspecError, FolderMismatch
from eqspec.regular_files import NotRegular, files_below, opened
from eqspec.runs.bounded_json import parsed_json

if TYPE_CHECKING:
    from collections.abc import Generator
    from io import BufferedReader
    from pathlib import Path

MAX_BYTES = 64 * 2**20
"""Of a text or JSON file that is read as a whole: far more than any that eqspec writes."""

CHECKPOINTS = "checkpoints"
"""The one folder in a run's that may be a link, to a folder on another disk."""

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
        temporary.unlink(missing_ok=True)  # a link of that name would be written through
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


def remove_folder(path: Path) -> None:
    """Remove a folder with all that is in it, as far as it can be; a link is left alone."""
    if not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)


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


@contextmanager
def reading(path: Path, *, follow: bool = False) -> Generator[BufferedReader]:
    """A file of a run folder, open for reading: no link, FIFO or device.

    Args:
        follow: links are followed: for files that a person named.

    Raises:
        EqspecError: when it cannot be read.
        FolderMismatch: when it is missing, or no regular file.
    """
    with explained(path, doing="read"):
        try:
            file = opened(path, follow=follow)
        except FileNotFoundError as error:
            raise FolderMismatch(f"`{path}` is missing", help=PUT_BACK) from error
        except NotRegular as error:
            advice = "what a run folder holds is read only where it is a file in that folder"
            raise FolderMismatch(f"cannot read `{path}`: {error}", help=advice) from error
        with file:
            yield file


def read_text(path: Path, *, follow: bool = False) -> str:
    """Reads a text file, see `reading`.

    Raises:
        EqspecError: when it cannot be read.
        FolderMismatch: when it is missing, no regular file, far too large, or not UTF-8.
    """
    with reading(path, follow=follow) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise FolderMismatch(f"`{path}` is damaged: it is larger than any such file", help=PUT_BACK)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _damaged(path) from error


def read_json(path: Path, *, follow: bool = False) -> JsonValue:
    """Reads a JSON file, see `reading` and `parsed_json`.

    Raises:
        EqspecError: when it cannot be read.
        FolderMismatch: when it is missing, or does not hold JSON as eqspec writes it.
    """
    try:
        return parsed_json(read_text(path, follow=follow))
    except ValueError as error:
        raise _damaged(path) from error


def read_document(path: Path, *, kind: type[DocumentT]) -> DocumentT:
    """Reads a JSON file into its type.

    Raises:
        EqspecError: when it cannot be read.
        FolderMismatch: when it does not hold what such a file holds.
    """
    text = read_text(path)
    try:
        parsed_json(text)
        return kind.model_validate_json(text)
    except ValueError as error:  # pydantic's ValidationError is one
        raise _damaged(path) from error


def _damaged(path: Path) -> FolderMismatch:
    return FolderMismatch(
        f"`{path}` is damaged: it does not hold what was once written there", help=PUT_BACK
    )


def sha256_of(path: Path, *, follow: bool = False) -> str:
    """Hexadecimal SHA-256 of a file's bytes, see `reading`; EqspecError when it cannot be read."""
    with reading(path, follow=follow) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entry_of(path: Path) -> FileEntry:
    """Hash and size of a file; EqspecError when it cannot be read."""
    with reading(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileEntry(sha256=digest, bytes=file.tell())


def is_temporary(name: str) -> bool:
    """Whether a file of this name is what a killed write leaves behind."""
    return name.startswith(".") and name.endswith(_TEMPORARY)


def sweep(folder: Path) -> None:
    """Removes what killed writes left in a folder and below it; for its one writer only."""
    with explained(folder, doing="tidy"):
        for path in files_below(folder, linked=(CHECKPOINTS,)):
            if is_temporary(path.name):
                path.unlink()
