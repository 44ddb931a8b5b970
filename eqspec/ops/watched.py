"""Stored images, read so that what is missing or has changed is told from what is damaged.

A damaged image is one whose bytes were read and cannot be decoded: another stands for it, always
the same one. A file that was there when the dataset was listed and is gone now, or has another size
or another content than before, says nothing about the data as they were: reading stops, and goes on
when the file is back. Free of torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eqspec.errors import EqspecError
from eqspec.ops.decode import LostImage, UnreadableImage, blamed
from eqspec.ops.stored_bytes import NOT_THERE, UNSIZED, Listing, StoredBytes, checksum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.ops.decode import Decoded

_BACK = "bring the data back as they were, and give the same command again: it goes on"
_AS_BEFORE = (
    "put it back as it was, and give the same command again; a run on what is there now is "
    "another one: --runs DIR keeps it apart"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read for a batch; handed over by the process that has read it.

    Attributes:
        numbers: [k] of the images, those too that could not be decoded.
        checksums: [k] of what is stored of them.
        remarks: number of an image → what its decoder found odd.
    """

    numbers: NDArray[np.int64] = field(repr=False)
    checksums: NDArray[np.uint32] = field(repr=False)
    remarks: Mapping[int, str] = field(default_factory=dict[int, str])


class Watched:
    """The stored images of a dataset.

    Attributes:
        dataset: that they are of.
        listing: its files when it was listed; None where it was not.
        kept_in: [n], the file of the listing that each image is kept in.
        checksums: [n] of the content of each image; 0 of one that has not been read.
        trained: [n], which images training has read.
        remarks: number of an image → what its decoder found odd, with the image's name.
    """

    def __init__(self, dataset: StoredBytes) -> None:
        self.dataset = dataset
        self.listing: Listing | None = None
        self.kept_in = dataset.kept_in
        self.checksums = np.zeros(len(self.kept_in), np.uint32)
        self.trained = np.zeros(len(self.kept_in), np.bool_)
        self.remarks: dict[int, str] = {}
        self._log: list[int] | None = None

    def list_files(self) -> Listing:
        """The files as they are found when this is first asked."""
        if self.listing is None:
            self.listing = self.dataset.listing()
        return self.listing

    def read(self, number: int) -> Decoded:
        """Image `number`.

        Raises:
            UnreadableImage: it is damaged, or never was there.
            LostImage: it was there and is gone, or has changed, or cannot be read now.
        """
        content = self.content(number)
        try:
            found = self.dataset.decoded(number, content)
        except UnreadableImage:
            self._need_same_file(number)
            raise
        if found.remark:
            said = f"{self.dataset.path(number)}: {found.remark}"
            self.remarks.setdefault(number, said)
        return found

    def content(self, number: int) -> tuple[bytes, ...]:
        """What is stored of image `number`, the same as whenever it was read before.

        Raises:
            UnreadableImage: it never was there.
            LostImage: as above.
        """
        try:
            content = self.dataset.content(number)
        except OSError as error:
            self.log(number)
            raise self._not_read(number, error) from error
        self._need_same_size(number, found=sum(map(len, content)))
        self._need_same(np.array([number]), np.array([checksum(content)], np.uint32))
        self.log(number)
        return content

    def peek(self, number: int) -> int:
        """Checksum of what is stored of image `number`, and counts as not read; 0 of nothing.

        Raises:
            LostImage: it was there and is gone, or cannot be read now.
        """
        try:
            return checksum(self.dataset.content(number))
        except OSError as error:
            found = self._not_read(number, error)
            if isinstance(found, LostImage):
                raise found from error
            return 0

    @contextmanager
    def logged(self) -> Iterator[list[int]]:
        """The numbers of all images that are read while this is open."""
        self._log = found = list[int]()
        try:
            yield found
        finally:
            self._log = None

    def log(self, number: int) -> None:
        """Counts an image as read."""
        if self._log is not None:
            self._log.append(number)

    def reading(self, numbers: list[int]) -> Reading:
        """What is to be handed over of some images that were read."""
        read = np.unique(np.array(numbers, np.int64))
        remarks = {n: self.remarks[n] for n in read.tolist() if n in self.remarks}
        return Reading(read, self.checksums[read], remarks)

    def take(self, reading: Reading) -> None:
        """Counts what was read for training, here or by another process.

        Raises:
            LostImage: an image is not the one that was read before.
        """
        self._need_same(reading.numbers, reading.checksums)
        self.trained[reading.numbers] = True
        for number, said in reading.remarks.items():
            self.remarks.setdefault(number, said)

    def _need_same(self, numbers: NDArray[np.int64], found: NDArray[np.uint32]) -> None:
        known = self.checksums[numbers]
        other = numbers[(known != 0) & (found != 0) & (known != found)]
        if len(other):
            path = self.dataset.path(int(other[0]))
            raise LostImage(f"{path} has changed since this run first read it", help=_AS_BEFORE)
        self.checksums[numbers] = np.where(found == 0, known, found)

    def _need_same_size(self, number: int, *, found: int) -> None:
        """Refuses an image whose file has another size than when it was listed."""
        if self.listing is None:
            return
        size = int(self.listing.sizes[self.kept_in[number]])
        if size in {UNSIZED, found}:
            return
        path = self.dataset.path(number)
        now = int(Listing.of([path]).sizes[0])  # of an archive, of which the image is a part
        if now != size:
            was = "it was not there" if size == NOT_THERE else f"it had {size:,} bytes"
            raise LostImage(
                f"{path} has changed since the data were listed: {was}, and has {now:,} bytes now",
                help=_AS_BEFORE,
            )

    def _need_same_file(self, number: int) -> None:
        """Refuses to call an image damaged whose file was written after it was listed."""
        if self.listing is None:
            return
        then = int(self.listing.times[self.kept_in[number]])
        path = self.dataset.path(number)
        if then and int(Listing.of([path]).times[0]) != then:
            raise LostImage(
                f"{path} was written while it was read, and cannot be decoded", help=_AS_BEFORE
            )

    def _not_read(self, number: int, error: OSError) -> EqspecError:
        """What to raise where the file of an image cannot be read."""
        path = self.dataset.path(number)
        found = blamed(error, image=str(path))
        if self.listing is None or isinstance(found, LostImage):
            return found
        if not self.listing.there[self.kept_in[number]]:
            return found
        return LostImage(self._gone(f"{path}: {error.strerror or error}"), help=_BACK)

    def _gone(self, first: str) -> str:
        """How many files are gone, and the first that was missed."""
        assert self.listing is not None, "only what was listed can be gone"
        said = f"an image that was there is gone: {first}"
        try:
            now = self.dataset.listing()
        except EqspecError:
            return said
        gone = int((self.listing.there & ~now.there).sum())
        return said if gone <= 1 else f"{said}; so are {gone - 1:,} other files of the data"
