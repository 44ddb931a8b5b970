"""The record of a run's training images, in the folder `data/` of the run.

    record.json     scope of the fingerprint, and images that were replaced by others
    times           modification time of each file at the start of the run
    checksums       CRC-32 of the content of each image that training has read
    names           name of each image, compressed

The last three exist for images in files or archives, in the order of the dataset. The first two of
them are arrays of little-endian integers of 64 and 32 bits; names are separated by a zero byte. The
fingerprint itself is in `environment.json`: unlike the times, it does not change when the data are
copied. For a finished run, everything except the times depends only on the recipe and the data.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import AliasChoices, Field

from eqspec.errors import FolderMismatch
from eqspec.runs.artifacts import (
    PUT_BACK,
    Document,
    read_document,
    reading,
    write_bytes,
    write_json,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FOLDER = "data"
RECORD = "record.json"
TIMES = "times"
CHECKSUMS = "checksums"
NAMES = "names"
_LARGEST = 2**30  # bytes of all names


class Replaced(Document):
    """An image that could not be decoded and was replaced by another one.

    Attributes:
        number: index in the dataset.
        name: path relative to the dataset.
    """

    number: int
    name: str


class DataRecord(Document):
    """The contents of `data/record.json`.

    Attributes:
        dataset: name of the dataset.
        files: number of image files; 0 if the images are not separate files.
        images: number of images; each stored view counts.
        scope: of the fingerprint, in words; called `looked_at` in older records.
        full: SHA-256 over the content of all images, if the spec has `fingerprint: full`.
        replaced: the replaced images in order, as far as the run has read.
    """

    format: Literal[1] = 1
    dataset: str
    files: int
    images: int
    scope: str = Field(validation_alias=AliasChoices("scope", "looked_at"))
    full: str | None = None
    replaced: tuple[Replaced, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownData:
    """The record of a run's data with its arrays.

    Attributes:
        record: contents of `data/record.json`.
        times: modification times `[files]`, in nanoseconds.
        checksums: CRC-32 `[images]`; 0 for an image that training has not read.
    """

    record: DataRecord
    times: NDArray[np.int64] = field(repr=False)
    checksums: NDArray[np.uint32] = field(repr=False)


def save_data(run: Path, known: KnownData, *, begun: bool = False) -> None:
    """Write the record of the data, each file atomically.

    Args:
        run: the run folder.
        known: the record to write.
        begun: whether the run starts now, so that the times are written too.

    Raises:
        EqspecError: if a file cannot be written.
    """
    folder = run / FOLDER
    if begun and len(known.times):
        write_bytes(folder / TIMES, data=known.times.astype("<i8").tobytes())
    if len(known.checksums):
        write_bytes(folder / CHECKSUMS, data=known.checksums.astype("<u4").tobytes())
    # Last: a folder with this file has the others.
    write_json(folder / RECORD, value=known.record.model_dump(mode="json"))


def load_data(run: Path) -> KnownData | None:
    """Read the record of a run's data; None if there is none yet.

    Raises:
        FolderMismatch: if a file is missing or damaged.
    """
    folder = run / FOLDER
    if not (folder / RECORD).exists():
        return None
    record = read_document(folder / RECORD, kind=DataRecord)
    return KnownData(
        record=record,
        times=_array(folder / TIMES, "<i8", count=record.files).astype(np.int64),
        checksums=_array(folder / CHECKSUMS, "<u4", count=record.images).astype(np.uint32),
    )


def save_names(run: Path, names: Iterable[str]) -> None:
    """Write the names of all training images.

    Raises:
        EqspecError: if the file cannot be written.
    """
    text = "\0".join(names).encode("utf-8", "surrogateescape")
    write_bytes(run / FOLDER / NAMES, data=zlib.compress(text))


def load_names(run: Path) -> tuple[str, ...] | None:
    """Read the names of all training images; None if the run has not recorded them.

    Raises:
        FolderMismatch: if the file is damaged.
    """
    path = run / FOLDER / NAMES
    if not path.exists():
        return None
    with reading(path) as file:
        content = file.read(_LARGEST)
    unpacked, text = zlib.decompressobj(), b""
    with suppress(zlib.error):
        text = unpacked.decompress(content, _LARGEST)
    if not unpacked.eof:
        raise FolderMismatch(f"`{path}` is damaged", help=PUT_BACK)
    return tuple(text.decode("utf-8", "surrogateescape").split("\0"))


def _array(path: Path, kind: str, *, count: int) -> NDArray[np.generic]:
    size, content = count * np.dtype(kind).itemsize, b""
    if size:
        with reading(path) as file:
            content = file.read(size + 1)
    if len(content) != size:
        message = f"`{path}` is damaged: it should have {count:,} numbers"
        raise FolderMismatch(message, help=PUT_BACK)
    return np.frombuffer(content, kind)
