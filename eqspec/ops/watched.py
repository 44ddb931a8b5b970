"""Reading of stored images that distinguishes missing or changed files from damaged images.

An image is damaged if its bytes were read but cannot be decoded; it is replaced, always by the same
image. If a file has disappeared since the dataset was listed, or its size or content has changed,
reading stops and continues once the file is restored. Free of torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eqspec.errors import EqspecError
from eqspec.ops.decode import LostImage, UnreadableImage, blamed
from eqspec.ops.image_files import ImageFiles
from eqspec.ops.stored_bytes import NOT_THERE, UNSIZED, Listing, StoredBytes, checksum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.ops.decode import Decoded

_BACK = "restore the data and run the same command again; it continues"
_AS_BEFORE = (
    "restore the file and run the same command again; to train on the changed data instead, start "
    "another run with --runs DIR"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """Record of the images read for a batch, passed on by the process that read them.

    Attributes:
        numbers: [k], numbers of the images, including those that could not be decoded.
        checksums: [k], checksums of their stored content.
        remarks: number of an image → its decoder's warnings.
    """

    numbers: NDArray[np.int64] = field(repr=False)
    checksums: NDArray[np.uint32] = field(repr=False)
    remarks: Mapping[int, str] = field(default_factory=dict[int, str])


class Watched:
    """The stored images of a dataset.

    Attributes:
        dataset: the dataset.
        listing: its files when it was listed; None if it was not.
        kept_in: [n], index into the listing of the file that contains each image.
        checksums: [n], checksum of each image's content; 0 if it has not been read.
        trained: [n], whether training has read each image.
        remarks: number of an image → its name and its decoder's warnings.
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
        """Return the files as found by the first call.

        Raises:
            LostImage: a file was found when the dataset was opened, and is missing already.
        """
        if self.listing is None:
            listing = self.dataset.listing()
            if isinstance(self.dataset, ImageFiles) and self.dataset.walked:
                self._need_there(listing, expected=self._walked(listing))
            self.listing = listing
        return self.listing

    def need_all_there(self) -> None:
        """Check that no listed file has disappeared.

        Raises:
            LostImage: one has.
        """
        self._need_there(self.dataset.listing(), expected=self.list_files().there)

    def _walked(self, listing: Listing) -> NDArray[np.bool_]:
        """Return which entries must be files; what is there as a broken link or FIFO never was."""
        found = np.ones_like(listing.there)
        for number in np.flatnonzero(~listing.there).tolist():
            found[number] = not os.path.lexists(self.dataset.path(number))
        return found

    def _need_there(self, listing: Listing, *, expected: NDArray[np.bool_]) -> None:
        gone = np.flatnonzero(expected & ~listing.there)
        if len(gone):
            number = int(np.flatnonzero(self.kept_in == gone[0])[0])
            raise LostImage(_gone(str(self.dataset.path(number)), count=len(gone)), help=_BACK)

    def read(self, number: int) -> Decoded:
        """Return image `number`.

        Raises:
            UnreadableImage: it is damaged, or never existed.
            LostImage: it has disappeared, has changed, or cannot be read at present.
        """
        content = self.content(number)
        try:
            found = self.dataset.decoded(number, content)
        except UnreadableImage:
            self._need_same_file(number)
            raise
        if found.remark:
            self.remarks.setdefault(number, f"{self.dataset.path(number)}: {found.remark}")
        return found

    def content(self, number: int) -> tuple[bytes, ...]:
        """Return the stored content of image `number`, checked against earlier reads.

        Raises:
            UnreadableImage: it never existed.
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
        """Return the checksum of image `number` without counting it as read; 0 if it is absent.

        Raises:
            LostImage: it has disappeared, or cannot be read at present.
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
        """Collect the numbers of all images read within this context."""
        self._log = found = list[int]()
        try:
            yield found
        finally:
            self._log = None

    def log(self, number: int) -> None:
        """Count an image as read."""
        if self._log is not None:
            self._log.append(number)

    def reading(self, numbers: list[int]) -> Reading:
        """Return the record of images that were read, to be passed on."""
        read = np.unique(np.array(numbers, np.int64))
        remarks = {n: self.remarks[n] for n in read.tolist() if n in self.remarks}
        return Reading(read, self.checksums[read], remarks)

    def take(self, reading: Reading) -> None:
        """Add images read for training, in this or another process.

        Raises:
            LostImage: an image differs from an earlier read.
        """
        self._need_same(reading.numbers, reading.checksums)
        self.trained[reading.numbers] = True
        for number, remark in reading.remarks.items():
            self.remarks.setdefault(number, remark)

    def _need_same(self, numbers: NDArray[np.int64], found: NDArray[np.uint32]) -> None:
        known = self.checksums[numbers]
        other = numbers[(known != 0) & (found != 0) & (known != found)]
        if len(other):
            path = self.dataset.path(int(other[0]))
            raise LostImage(f"{path} has changed since this run first read it", help=_AS_BEFORE)
        self.checksums[numbers] = np.where(found == 0, known, found)

    def _need_same_size(self, number: int, *, found: int) -> None:
        """Check that the size of an image's file is still as listed."""
        if self.listing is None:
            return
        size = int(self.listing.sizes[self.kept_in[number]])
        if size in {UNSIZED, found}:
            return
        path = self.dataset.path(number)
        now = int(Listing.of([path]).sizes[0])  # of an archive, of which the image is a part
        if now != size:
            was = "it did not exist" if size == NOT_THERE else f"it had {size:,} bytes"
            raise LostImage(
                f"{path} has changed since the data were listed: {was}, and has {now:,} bytes now",
                help=_AS_BEFORE,
            )

    def _need_same_file(self, number: int) -> None:
        """Check that the file of an undecodable image has not been modified since it was listed."""
        if self.listing is None:
            return
        then = int(self.listing.times[self.kept_in[number]])
        path = self.dataset.path(number)
        if then and int(Listing.of([path]).times[0]) != then:
            raise LostImage(
                f"{path} was written while it was read, and cannot be decoded", help=_AS_BEFORE
            )

    def _not_read(self, number: int, error: OSError) -> EqspecError:
        """Return the error for an image whose file cannot be read."""
        path = self.dataset.path(number)
        found = blamed(error, image=str(path))
        if self.listing is None or isinstance(found, LostImage):
            return found
        if not self.listing.there[self.kept_in[number]]:
            return found
        first = f"{path}: {error.strerror or error}"
        try:
            now = self.dataset.listing()
        except EqspecError:
            return LostImage(_gone(first), help=_BACK)
        count = int((self.listing.there & ~now.there).sum())
        return LostImage(_gone(first, count=count), help=_BACK)


def _gone(first: str, *, count: int = 1) -> str:
    """Return the message about the first missing file and the number of all."""
    message = f"an image has disappeared: {first}"
    return message if count <= 1 else f"{message}; so have {count - 1:,} other files of the data"
