"""Atomic writes, bounded reads and hashes of files.

A file is written next to its target, synced and renamed: a reader finds the old file or the new
one, never half of either, also after a power cut. Errors of the operating system become messages
with a cause and a fix.
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
"""Maximum size of a text or JSON file, far more than eqspec ever writes."""

CHECKPOINTS = "checkpoints"
"""The only folder of a run that may be a link, for example to another disk."""

_CAUSES = (
    (
        (errno.ENOSPC, errno.EDQUOT),
        "the disk is full",
        "free some space and repeat the command: a run continues from its last checkpoint",
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
"""Error numbers of the operating system, with cause and advice."""

PUT_BACK = (
    "put back a copy of it; without one, move the run folder away and start the run again with the "
    "same command"
)
"""Advice for a lost file of a run."""

_TEMPORARY = ".tmp"


class Document(BaseModel):
    """A JSON file of a run folder: immutable, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


DocumentT = TypeVar("DocumentT", bound=BaseModel)


class FileEntry(Document):
    """Hash and size of a file."""

    sha256: str
    bytes: int


@contextmanager
def explained(path: Path, *, doing: str = "write") -> Generator[None]:
    """Turn an OSError about a file into an EqspecError with cause and advice.

    Raises:
        EqspecError: in place of any OSError of the body.
    """
    try:
        yield
    except OSError as error:
        raise _with_advice(error, path=path, doing=doing) from error


def _with_advice(error: OSError, *, path: Path, doing: str) -> EqspecError:
    known = ((why, advice) for numbers, why, advice in _CAUSES if error.errno in numbers)
    why, advice = next(known, (error.strerror or str(error), None))
    return EqspecError(f"cannot {doing} `{path}`: {why}", help=advice)


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Generator[Path]:
    """Yield a temporary path in the same folder, and rename it to `path` after the body.

    Args:
        path: the file to create or replace; its folder is created if it is missing.
        durable: whether to wait until file and folder are on the disk.

    Raises:
        EqspecError: if the file cannot be written; `path` is then unchanged.
    """
    if path.is_dir():
        advice = f"name a file, such as `{path / 'NAME'}`"
        raise EqspecError(f"cannot write `{path}`: it is a folder", help=advice)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{_TEMPORARY}")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)  # never write through a link of that name
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
    """Remove a folder and its contents as far as possible; do nothing to a link."""
    if not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_bytes(path: Path, *, data: bytes | memoryview, durable: bool = True) -> None:
    """Write a file atomically.

    Raises:
        EqspecError: if it cannot be written.
    """
    with replacing(path, durable=durable) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, *, text: str, durable: bool = True) -> None:
    """Write a text file in UTF-8 atomically.

    Raises:
        EqspecError: if it cannot be written.
    """
    write_bytes(path, data=text.encode(), durable=durable)


def write_json(path: Path, *, value: object) -> None:
    """Write a value as `canonical_json` atomically.

    Raises:
        EqspecError: if it cannot be written.
    """
    write_text(path, text=canonical_json(value))


def canonical_json(value: object) -> str:
    """Format JSON for readers and hashes: keys in the given order, indented, with a final newline.

    Raises:
        ValueError: for NaN and infinities, which JSON does not have.
    """
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@contextmanager
def reading(path: Path, *, follow: bool = False) -> Generator[BufferedReader]:
    """Open a regular file of a run folder for reading; refuse links, FIFOs and devices.

    Args:
        follow: whether to follow links, for files named on the command line.

    Raises:
        EqspecError: if it cannot be read.
        FolderMismatch: if it is missing, or not a regular file.
    """
    with explained(path, doing="read"):
        try:
            file = opened(path, follow=follow)
        except FileNotFoundError as error:
            raise FolderMismatch(f"`{path}` is missing", help=PUT_BACK) from error
        except NotRegular as error:
            advice = "only regular files inside the run folder are read; replace it by such a file"
            raise FolderMismatch(f"cannot read `{path}`: {error}", help=advice) from error
        with file:
            yield file


def read_text(path: Path, *, follow: bool = False) -> str:
    """Read a text file; see `reading`.

    Raises:
        EqspecError: if it cannot be read.
        FolderMismatch: if it is missing, not a regular file, larger than `MAX_BYTES`, or not UTF-8.
    """
    with reading(path, follow=follow) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise FolderMismatch(f"`{path}` is damaged: it is far too large", help=PUT_BACK)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _damaged(path) from error


def read_json(path: Path, *, follow: bool = False) -> JsonValue:
    """Read a JSON file; see `reading` and `parsed_json`.

    Raises:
        EqspecError: if it cannot be read.
        FolderMismatch: if it is missing or not valid JSON.
    """
    try:
        return parsed_json(read_text(path, follow=follow))
    except ValueError as error:
        raise _damaged(path) from error


def read_document(path: Path, *, kind: type[DocumentT]) -> DocumentT:
    """Read a JSON file as a model of type `kind`.

    Raises:
        EqspecError: if it cannot be read.
        FolderMismatch: if it is missing, not valid JSON, or not valid for `kind`.
    """
    text = read_text(path)
    try:
        parsed_json(text)
        return kind.model_validate_json(text)
    except ValueError as error:  # pydantic's ValidationError is one
        raise _damaged(path) from error


def _damaged(path: Path) -> FolderMismatch:
    return FolderMismatch(
        f"`{path}` is damaged: it does not have the expected format", help=PUT_BACK
    )


def sha256_of(path: Path, *, follow: bool = False) -> str:
    """Return the hexadecimal SHA-256 of a file; see `reading`.

    Raises:
        EqspecError: if it cannot be read.
    """
    with reading(path, follow=follow) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def entry_of(path: Path) -> FileEntry:
    """Return hash and size of a file.

    Raises:
        EqspecError: if it cannot be read.
    """
    with reading(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileEntry(sha256=digest, bytes=file.tell())


def is_temporary(name: str) -> bool:
    """Whether a file name is that of an interrupted write."""
    return name.startswith(".") and name.endswith(_TEMPORARY)


def sweep(folder: Path) -> None:
    """Remove the files of interrupted writes in a folder tree; only its writer may do this."""
    with explained(folder, doing="tidy"):
        for path in files_below(folder, linked=(CHECKPOINTS,)):
            if is_temporary(path.name):
                path.unlink()
