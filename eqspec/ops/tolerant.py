"""A dataset some of whose images cannot be read: they are replaced, counted and named.

Which image stands for a damaged one is a pure function of the dataset: the next one of the same
class that can be read, in the order of the dataset, the first following the last. So order, resume
and labels stay what they are, and the only trace is that an image is seen twice as often. Of stored
views it is the next one of the same object, together with its latents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from eqspec.errors import EqspecError
from eqspec.ops.decode import Decoded, LostImage, UnreadableImage
from eqspec.ops.stored_bytes import StoredBytes
from eqspec.ops.stored_views import StoredPair, StoredView, StoredViews
from eqspec.ops.watched import Watched
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

INCOMPLETE = "look for what is missing, or train on what is there: --set data.use=image-folder"
"""What to do where fewer images are found than a card promises."""

NAMED = 5
"""Unreadable images that an error lists."""


class Dataset(Protocol):
    """What the `open` of a dataset op returns."""

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """[n], a class per image, or None without classes."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        ...

    @property
    def sources(self) -> NDArray[np.int64]:
        """[n], the photograph or file that each image comes from."""
        ...

    def __len__(self) -> int: ...

    def image(self, i: int) -> NDArray[np.uint8]:
        """Image i, RGB, `[H, W, 3]`."""
        ...

    def fingerprint(self) -> str:
        """Hash of the data as found."""
        ...


class TooManyUnreadable(EqspecError):
    """More images cannot be read than may be, or all that could stand for one another."""

    def __init__(self, unreadable: Mapping[int, str], *, limit: int) -> None:
        some = [f"  {reason}" for reason in list(unreadable.values())[:NAMED]]
        more = len(unreadable) - len(some)
        count = counted(len(unreadable), "image")
        listed = "\n".join([*some, f"  and {more} more"] if more else some)
        said, advice = f"{limit} may be", ", or allow more: --set data.with.unreadable=N"
        if len(unreadable) <= limit:
            said, advice = "none is left to stand for them", ""
        super().__init__(
            f"{count} cannot be read, and {said}:\n{listed}",
            help=f"repair or remove them{advice}",
        )
        self._made_of = dict(unreadable), limit

    def __reduce__(self) -> tuple[object, ...]:
        unreadable, limit = self._made_of
        return partial(type(self), limit=limit), (unreadable,)


class Tolerant:
    """A dataset whose unreadable images are replaced, up to a number of them.

    Attributes:
        views: stored views of each sample; 1 where a sample is an image.
        unreadable: images that could not be read so far, and why, in the order in which they came;
            view k of sample i counts as image `i · views + k`.
        watched: through which its images are read; None of a dataset that is no stored bytes.
    """

    def __init__(self, dataset: Dataset, *, limit: int) -> None:
        self._dataset = dataset
        self._stored = dataset if isinstance(dataset, StoredViews) else None
        self._limit = limit
        self.views = 1 if self._stored is None else self._stored.views
        self.unreadable: dict[int, str] = {}
        self.watched = Watched(dataset) if isinstance(dataset, StoredBytes) else None

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """[n], a class per image, or None without classes."""
        return self._dataset.labels

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self._dataset.classes

    @property
    def sources(self) -> NDArray[np.int64]:
        """[n], the photograph or file that each image, damaged or not, comes from."""
        return self._dataset.sources

    def __len__(self) -> int:
        return len(self._dataset)

    def list_files(self) -> None:
        """Notes which files are there, so that one which goes from now on is missed.

        Raises:
            LostImage: one cannot be looked at.
        """
        if self.watched is not None:
            self.watched.list_files()

    @property
    def remarks(self) -> Mapping[int, str]:
        """What the decoder found odd about images that it could read, in the order they came."""
        return {} if self.watched is None else self.watched.remarks

    def fingerprint(self) -> str:
        """Hash of the data as found, damage and all.

        Raises:
            LostImage: a file that was there is not any more.
        """
        try:
            return self._dataset.fingerprint()
        except OSError as error:
            message = f"cannot read the data: {error.filename}: {error.strerror or error}"
            raise LostImage(message, help="the same command goes on when it can be read") from error

    @property
    def looked_at(self) -> str:
        """What the fingerprint is taken of, in words."""
        said: str | None = getattr(self._dataset, "looked_at", None)  # a plugin may not say it
        return said or f"what the dataset itself looks at of {len(self):,} images"

    def image(self, i: int) -> NDArray[np.uint8]:
        """Image i, or the one that stands for it; RGB, `[H, W, 3]`.

        Raises:
            TooManyUnreadable: one more image cannot be read than may be, or none of a class can.
        """
        for at in self._in_turn(i):
            found = self._tried(at * self.views)
            if found is not None:
                return found.pixels
        raise TooManyUnreadable(self.unreadable, limit=self._limit)

    def pair(self, i: int, views: tuple[int, int]) -> StoredPair:
        """Two stored views of sample i, or those that stand for them.

        For a damaged one stands the next of its object that is not the other; where an object has
        no two views that can be read, the pair of the next object of its class.

        Raises:
            TooManyUnreadable: as above.
        """
        assert views[0] != views[1], "a pair has two views"
        for at in self._in_turn(i):
            first = self._view(at, views[0], other=views[1])
            second = None if first is None else self._view(at, views[1], other=first[0])
            if first is not None and second is not None:
                return StoredPair.of(first[1], second[1])
        raise TooManyUnreadable(self.unreadable, limit=self._limit)

    def _view(self, i: int, k: int, *, other: int) -> tuple[int, StoredView] | None:
        """View k of sample i or the next that can be read, with its number; never `other`."""
        assert self._stored is not None, "only stored views come in pairs"
        for number in ((k + step) % self.views for step in range(self.views)):
            if number != other:
                found = self._tried(i * self.views + number)
                if found is not None:
                    assert found.latents is not None, "a stored view has some"
                    return number, StoredView(found.pixels, found.latents)
        return None

    def _tried(self, number: int) -> Decoded | None:
        """Image `number`, or None, which is counted, where it is damaged."""
        if number in self.unreadable:
            if self.watched is not None:
                self.watched.log(number)
            return None
        try:
            return self._read(number)
        except UnreadableImage as error:
            self.note({number: error.message})
        return None

    def _read(self, number: int) -> Decoded:
        if self.watched is not None:
            return self.watched.read(number)
        sample, view = divmod(number, self.views)
        if self._stored is None:
            return Decoded(self._dataset.image(sample))
        found = self._stored.view(sample, view)
        return Decoded(found.image, latents=found.latents)

    def note(self, unreadable: Mapping[int, str]) -> None:
        """Counts images that could not be read; also those that another process has met.

        Raises:
            TooManyUnreadable: these are more than may be.
        """
        self.unreadable.update(unreadable)
        if len(self.unreadable) > self._limit:
            raise TooManyUnreadable(self.unreadable, limit=self._limit)

    def replaced(self, samples: Iterable[int]) -> tuple[int, ...]:
        """Which images of some samples, all of them read before, could not be read."""
        numbers = (sample * self.views for sample in samples)
        return tuple(number for number in numbers if number in self.unreadable)

    def name(self, number: int) -> str:
        """What an image is called, wherever the data lie."""
        return f"image {number}" if self.watched is None else self.watched.dataset.name(number)

    def _in_turn(self, i: int) -> Iterator[int]:
        """Image i, then the others of its class in order, from the next one on."""
        yield i
        labels = self._dataset.labels
        others = np.arange(len(self)) if labels is None else np.flatnonzero(labels == labels[i])
        first = int(np.searchsorted(others, i, side="right"))
        yield from np.roll(others, -first).tolist()
