"""Cache of features in files, which are streamed during encoding and then memory-mapped.

    <folder>/<encoder state>/<key>.json      description of the features, and the shape and
                                             checksum of each file; written last
    <folder>/<encoder state>/<key>.0.f32     features, `[n, ...]`, little-endian fp32

The key is a hash of the encoder's weights, the data as found, the selection of images and features,
and the versions of eqspec and torch, so that evaluations of the same features share files.
Truncated or altered files are encoded again. Seals do not cover the cache; it is removed when the
encoder's weights change, when the run is sealed, and by `eqspec gc`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from torch import Tensor

import eqspec
from eqspec.errors import EqspecError
from eqspec.ops.tolerant import Tolerant
from eqspec.regular_files import opened, own_size

if TYPE_CHECKING:
    from eqspec.ops.tolerant import Dataset

Name = tuple[str, ...]
"""Name of features: (row,), (row, family, border), …."""

Batches = Callable[[], Iterator[Mapping[Name, Tensor]]]
"""Function that starts the encoding and yields features `[b, ...]` by name, batch by batch."""

_PIECE = 2**24
"""Number of bytes checked at a time."""


class _File(BaseModel):
    """One file of features."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    shape: tuple[int, ...]
    crc32: int

    @property
    def bytes(self) -> int:
        return 4 * int(np.prod(self.shape))


class _Listing(BaseModel):
    """Description of encoded features.

    Attributes:
        unreadable: replaced images → the reason.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    content: dict[str, JsonValue]
    files: tuple[_File, ...]
    unreadable: dict[int, str]


@dataclass(frozen=True, slots=True)
class FeatureFiles:
    """Storage of the features of one encoder state.

    Attributes:
        folder: None for temporary files, deleted with the last tensor that maps them.
        state: hash of the encoder's weights.
    """

    folder: Path | None = None
    state: str = ""

    def features(
        self,
        content: Mapping[str, JsonValue],
        *,
        dataset: Dataset,
        samples: np.ndarray,
        batches: Batches,
    ) -> dict[Name, Tensor]:
        """Return features of samples by name, `[n, ...]` in fp32, mapped from their files.

        Args:
            content: everything else that determines the features, besides encoder and samples.
            dataset: source of the samples.
            samples: positions in the dataset, `[n]`.
            batches: encodes them in order; not called if the files exist.

        Raises:
            EqspecError: the disk is full, or the folder cannot be written.
        """
        if self.folder is None:
            with TemporaryDirectory(prefix="eqspec-features-") as folder:
                return _mapped(Path(folder), _write(Path(folder), "features", batches))
        full: dict[str, JsonValue] = {
            **content,
            "state": self.state,
            "data": dataset.fingerprint(),
            "samples": hashlib.sha256(samples.astype("<i8").tobytes()).hexdigest(),
            "versions": [eqspec.__version__, torch.__version__],
        }
        key = hashlib.sha256(json.dumps(full, sort_keys=True).encode()).hexdigest()[:16]
        folder = self.folder / self.state[:16]
        found = _whole(folder, key=key, content=full)
        if found is None:
            _need_no_link(self.folder, folder)
            found = _write(folder, key, batches)
            unreadable = _unreadable(dataset, samples)
            listing = _Listing(content=full, files=found, unreadable=unreadable)
            _replace(folder / f"{key}.json", listing.model_dump_json().encode())
        elif isinstance(dataset, Tolerant):
            dataset.note(_listing(folder / f"{key}.json").unreadable)
        return _mapped(folder, found, key=key)

    def forget_others(self) -> None:
        """Remove the features of every other encoder state."""
        if self.folder is None or self.folder.is_symlink() or not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if path.name != self.state[:16] and path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)


def _write(folder: Path, key: str, batches: Batches) -> tuple[_File, ...]:
    """Stream batches into one file per name; files appear when all of them are complete."""
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
    writers: dict[Name, _Writer] = {}
    try:
        for batch in batches():
            for name, values in batch.items():
                if name not in writers:
                    writers[name] = _Writer(folder / f".{key}.{len(writers)}.{os.getpid()}.tmp")
                writers[name].append(values)
        for at, writer in enumerate(writers.values()):
            writer.finish(folder / f"{key}.{at}.f32")
    finally:
        for writer in writers.values():
            writer.discard()
    return tuple(
        _File(name=name, shape=writer.shape, crc32=writer.crc32) for name, writer in writers.items()
    )


class _Writer:
    """One file of features while it is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _explained(path):
            path.unlink(missing_ok=True)  # a link of that name would be written through
            self._file = path.open("xb", buffering=0)
        self.shape: tuple[int, ...] = ()
        self.crc32 = 0

    def append(self, values: Tensor) -> None:
        """Add the features of some samples."""
        array = values.detach().to(torch.float32).cpu().numpy().astype("<f4", copy=False)
        assert not self.shape or self.shape[1:] == array.shape[1:], "one shape per name"
        data = memoryview(array.tobytes())
        with _explained(self._path):
            while data:
                written = self._file.write(data)
                self.crc32 = zlib.crc32(data[:written], self.crc32)
                data = data[written:]
        self.shape = (len(array) + (self.shape[0] if self.shape else 0), *array.shape[1:])

    def finish(self, path: Path) -> None:
        """Put the file in its place."""
        with _explained(path):
            self._file.close()
            self._path.replace(path)

    def discard(self) -> None:
        """Close the file, and remove it if it is incomplete."""
        with suppress(OSError):
            self._file.close()
            self._path.unlink(missing_ok=True)


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _explained(path):
        temporary.unlink(missing_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)


def _whole(folder: Path, *, key: str, content: Mapping[str, JsonValue]) -> tuple[_File, ...] | None:
    """Return the files of a key, or None unless all are intact."""
    try:
        listing = _listing(folder / f"{key}.json")
        if listing.content != content:
            return None
        for at, file in enumerate(listing.files):
            path = folder / f"{key}.{at}.f32"
            if own_size(path) != file.bytes or _crc32(path) != file.crc32:
                return None
    except (OSError, ValidationError):
        return None
    return listing.files


def _listing(path: Path) -> _Listing:
    with opened(path, follow=False) as file:
        return _Listing.model_validate_json(file.read())


def _crc32(path: Path) -> int:
    found = 0
    with opened(path, follow=False) as file:
        while piece := file.read(_PIECE):
            found = zlib.crc32(piece, found)
    return found


def _mapped(folder: Path, files: tuple[_File, ...], *, key: str = "features") -> dict[Name, Tensor]:
    """Map files into memory; pages are read on use and released when memory is short.

    The mapping is copy-on-write: changes of the tensors do not reach the files.
    """
    with _explained(folder, doing="read"):
        return {
            file.name: torch.from_numpy(
                np.memmap(folder / f"{key}.{at}.f32", "<f4", mode="c", shape=file.shape)
            )
            for at, file in enumerate(files)
        }


def _unreadable(dataset: Dataset, samples: np.ndarray) -> dict[int, str]:
    if not isinstance(dataset, Tolerant):
        return {}
    return {number: dataset.unreadable[number] for number in dataset.replaced(samples.tolist())}


def _need_no_link(*folders: Path) -> None:
    for folder in folders:
        if folder.is_symlink():
            raise EqspecError(
                f"`{folder}` is a link; features are not written through links",
                help="remove it; the features are encoded again",
            )


@contextmanager
def _explained(path: Path, *, doing: str = "write") -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise EqspecError(
            f"cannot {doing} features: `{path}`: {error.strerror or error}",
            help="free some space, or choose another disk: --runs DIR",
        ) from error
