"""Datasets whose images are bytes in files, which can be listed and found changed."""

from __future__ import annotations

import errno
import os
import stat
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from eqspec.ops.decode import blamed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.ops.decode import Decoded

NOT_THERE = -1
"""Size of what is no regular file, or not there at all."""

UNSIZED = -2
"""Size of a file of which only that it is there was looked at."""

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})

Content = tuple[bytes, ...]
"""What is stored of one image: its file, and what lies beside it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a dataset as they were found, in the dataset's order.

    Attributes:
        sizes: [f] bytes, or `NOT_THERE`, or `UNSIZED`.
        times: [f] when each was last changed, in nanoseconds; 0 where that was not looked at.
    """

    sizes: NDArray[np.int64] = field(repr=False)
    times: NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, paths: Iterable[Path | str]) -> Listing:
        """Looks at files, at none of them twice.

        Raises:
            LostImage: one cannot be looked at, whether it is there or not.
        """
        facts = np.array([_facts(path) for path in paths], np.int64).reshape(-1, 2)
        return cls(np.ascontiguousarray(facts[:, 0]), np.ascontiguousarray(facts[:, 1]))

    @property
    def there(self) -> NDArray[np.bool_]:
        """[f], which of them are there."""
        return self.sizes != NOT_THERE


def _facts(path: Path | str) -> tuple[int, int]:
    """Size and time of a regular file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - of a text too: a Path for each of a million costs
    except OSError as error:
        if error.errno in _ABSENT:
            return NOT_THERE, 0
        raise blamed(error, image=str(path)) from error
    if not stat.S_ISREG(found.st_mode):
        return NOT_THERE, 0
    return found.st_size, found.st_mtime_ns


def names_in(folder: Path) -> frozenset[str]:
    """What is in a folder; nothing where there is none.

    Raises:
        LostImage: it cannot be looked at.
    """
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - names will do
    except OSError as error:
        if error.errno in _ABSENT:
            return frozenset()
        raise blamed(error, image=str(folder)) from error


@runtime_checkable
class StoredBytes(Protocol):
    """A dataset that hands out what is stored of an image before it is decoded.

    Images are numbered; where a sample has several stored views, view k of sample i is image
    `i · views + k`.
    """

    @property
    def kept_in(self) -> NDArray[np.int64]:
        """[n], the file of the listing that each image is kept in."""
        ...

    @property
    def covered(self) -> Sequence[int]:
        """Images whose content enters the fingerprint."""
        ...

    @property
    def looked_at(self) -> str:
        """What the fingerprint is taken of, in words: `names and sizes of all 600 images, …`."""
        ...

    def listing(self) -> Listing:
        """The files as they are found now."""
        ...

    def name(self, number: int) -> str:
        """What image `number` is called wherever the dataset lies."""
        ...

    def path(self, number: int) -> Path:
        """The file that it is kept in."""
        ...

    def content(self, number: int) -> Content:
        """What is stored of it.

        Raises:
            OSError: its file cannot be read.
        """
        ...

    def decoded(self, number: int, content: Content) -> Decoded:
        """The image that some content holds.

        Raises:
            UnreadableImage: it holds none.
        """
        ...


def checksum(content: Content) -> int:
    """CRC-32 of what is stored of an image; never 0, which stands for what was not read.

    It finds damage and mistakes, not forgery. Of a JPEG file of 80 kB it takes 1.5 % of the time
    that decoding does, SHA-256 takes 2 to 7 %.
    """
    found = 0
    for part in content:
        found = zlib.crc32(part, found)
    return found or 1
