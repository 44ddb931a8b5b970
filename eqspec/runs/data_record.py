"""What a run folder knows of the images that it was trained on, in `data/`.

    record.json     what the fingerprint was taken of, and which images were replaced by others
    times           when each file was last changed, as the run began
    checksums       CRC-32 of the content of each image that training has read

The last two, of images that are kept as files or in archives, are plain arrays of little-endian
integers, of 64 and 32 bits, in the order of the dataset. The fingerprint itself stays in
`environment.json`: it holds wherever the data are copied to, as times do not. Of a finished run,
all but the times depends on the recipe and the data alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

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


class Replaced(Document):
    """An image that could not be decoded, and for which another one stood.

    Attributes:
        number: in the dataset.
        name: its path, wherever the dataset lies.
    """

    number: int
    name: str


class DataRecord(Document):
    """The contents of `data/record.json`.

    Attributes:
        dataset: its name.
        files: how many were listed; 0 of data that are not kept as files of images.
        images: how many there are; stored views count each.
        looked_at: what the fingerprint was taken of, in words.
        full: SHA-256 over the content of all images, where `fingerprint: full` asked for it.
        replaced: in order; of a run that has not ended, those that were met so far.
    """

    format: Literal[1] = 1
    dataset: str
    files: int
    images: int
    looked_at: str
    full: str | None = None
    replaced: tuple[Replaced, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownData:
    """What a run folder knows of its data.

    Attributes:
        times: [files], in nanoseconds.
        checksums: [images]; 0 of one that training has not read.
    """

    record: DataRecord
    times: NDArray[np.int64] = field(repr=False)
    checksums: NDArray[np.uint32] = field(repr=False)


def save_data(run: Path, known: KnownData, *, begun: bool = False) -> None:
    """Writes what is known of the data; each file is whole, whenever this is stopped.

    Args:
        run: the run folder.
        begun: the run begins with these data, so that the times are written, too.

    Raises:
        EqspecError: when a file cannot be written.
    """
    folder = run / FOLDER
    if begun and len(known.times):
        write_bytes(folder / TIMES, data=known.times.astype("<i8").tobytes())
    if len(known.checksums):
        write_bytes(folder / CHECKSUMS, data=known.checksums.astype("<u4").tobytes())
    # Last: a folder that has it has the others.
    write_json(folder / RECORD, value=known.record.model_dump(mode="json"))


def load_data(run: Path) -> KnownData | None:
    """What a run folder knows of its data; None where nothing was written down yet.

    Raises:
        FolderMismatch: when a file is missing or damaged.
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


def _array(path: Path, kind: str, *, count: int) -> NDArray[np.generic]:
    size, content = count * np.dtype(kind).itemsize, b""
    if size:
        with reading(path) as file:
            content = file.read(size + 1)
    if len(content) != size:
        message = f"`{path}` is damaged: it does not hold {count:,} numbers"
        raise FolderMismatch(message, help=PUT_BACK)
    return np.frombuffer(content, kind)
