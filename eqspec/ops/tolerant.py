"""Replacement of unreadable images of a dataset, which are counted and listed.

The replacement of a damaged image is a pure function of the dataset: the next readable image of the
same class in the order of the dataset, with the first following the last. Order, resume and labels
are therefore unaffected; the only effect is that one image is seen twice as often. A stored view is
replaced by the next view of the same object, together with its latents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np

from eqspec.errors import EqspecError
from eqspec.ops.decode import Decoded, LostImage, UnreadableImage
from eqspec.ops.op import MOST_UNREADABLE, ONE_UNREADABLE_IN
from eqspec.ops.stored_bytes import StoredBytes
from eqspec.ops.stored_views import StoredPair, StoredView, StoredViews
from eqspec.ops.targets.union import Target, Targets
from eqspec.ops.watched import Watched
from eqspec.spec.phrases import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.ops.targets.kinds import TargetKind

INCOMPLETE = "find the missing images, or train on those present: --set data.use=image-folder"
"""Help where fewer images are found than a card states."""

NAMED = 5
"""Largest number of unreadable images listed by an error."""


class Dataset(Protocol):
    """Return value of a dataset op's `open`."""

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """[n], the class of each image, or None without classes."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        ...

    @property
    def sources(self) -> NDArray[np.int64]:
        """[n], the source photograph or file of each image."""
        ...

    def __len__(self) -> int: ...

    def image(self, i: int) -> NDArray[np.uint8]:
        """Return image i as RGB, `[H, W, 3]`."""
        ...

    def fingerprint(self) -> str:
        """Return a hash of the data as found."""
        ...


class TooManyUnreadable(EqspecError):
    """More images are unreadable than allowed, or all possible replacements are unreadable."""

    def __init__(self, unreadable: Mapping[int, str], *, limit: int) -> None:
        some = [f"  {reason}" for reason in list(unreadable.values())[:NAMED]]
        more = len(unreadable) - len(some)
        count = counted(len(unreadable), "image")
        listed = "\n".join([*some, f"  and {more} more"] if more else some)
        allowed = f"at most {limit} {'is' if limit == 1 else 'are'} allowed"
        reason = f"but {allowed}"
        advice = (
            ", or allow more: --set data.with.unreadable=N, a number of images; the default is at "
            f"most {100 // ONE_UNREADABLE_IN} % of them, and at most {MOST_UNREADABLE}"
        )
        if len(unreadable) <= limit:
            reason, advice = "and none is left to replace them", ""
        super().__init__(
            f"{count} cannot be read, {reason}:\n{listed}",
            help=f"repair or remove them{advice}",
        )
        self._made_of = dict(unreadable), limit

    def __reduce__(self) -> tuple[object, ...]:
        unreadable, limit = self._made_of
        return partial(type(self), limit=limit), (unreadable,)


class Tolerant:
    """Dataset that replaces unreadable images, up to a limit.

    Attributes:
        views: number of stored views per sample; 1 where a sample is an image.
        unreadable: images that could not be read so far → the reason, in order of occurrence;
            view k of sample i counts as image `i · views + k`.
        watched: reader of the stored images; None for a dataset without stored bytes.
    """

    def __init__(self, dataset: Dataset, *, limit: int) -> None:
        self._dataset = dataset
        self._stored = dataset if isinstance(dataset, StoredViews) else None
        self._limit = limit
        self.views = 1 if self._stored is None else self._stored.views
        self.unreadable: dict[int, str] = {}
        self.watched = Watched(dataset) if isinstance(dataset, StoredBytes) else None

    @property
    def limit(self) -> int:
        """The largest number of unreadable images."""
        return self._limit

    @property
    def labels(self) -> NDArray[np.int64] | None:
        """[n], the class of each image, or None without classes."""
        return self._dataset.labels

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self._dataset.classes

    @property
    def sources(self) -> NDArray[np.int64]:
        """[n], the source photograph or file of each image, damaged or not."""
        return self._dataset.sources

    def __len__(self) -> int:
        return len(self._dataset)

    def list_files(self) -> None:
        """Record which files exist, so that later changes are found.

        Raises:
            LostImage: the state of a file cannot be determined.
        """
        if self.watched is not None:
            self.watched.list_files()

    @property
    def remarks(self) -> Mapping[int, str]:
        """Decoder warnings about readable images, in order of occurrence."""
        return {} if self.watched is None else self.watched.remarks

    def fingerprint(self) -> str:
        """Return a hash of the data as found, including damaged images.

        Raises:
            LostImage: a file has disappeared.
        """
        try:
            found = self._dataset.fingerprint()
        except OSError as error:
            message = f"cannot read the data: {error.filename}: {error.strerror or error}"
            advice = "run the same command again when it can be read; it continues"
            raise LostImage(message, help=advice) from error
        if self.watched is not None:  # a file that is away for a moment is hashed as empty
            self.watched.need_all_there()
        return found

    @property
    def fingerprint_scope(self) -> str:
        """Description of the fingerprint's scope."""
        scope: str | None = getattr(
            self._dataset, "fingerprint_scope", None
        )  # optional for plugins
        return scope or f"the dataset's own selection from {len(self):,} images"

    def image(self, i: int) -> NDArray[np.uint8]:
        """Return image i, or its replacement, as RGB, `[H, W, 3]`.

        Raises:
            TooManyUnreadable: more images are unreadable than allowed, or all images of a class.
        """
        for at in self._in_turn(i):
            found = self._tried(at * self.views)
            if found is not None:
                return found.pixels
        raise TooManyUnreadable(self.unreadable, limit=self._limit)

    def target(self, i: int, kind: TargetKind) -> Target:
        """Return a target of image i, or of the image that replaces it, once it was read.

        Raises:
            UnreadableImage: it is missing or damaged.
        """
        assert isinstance(self._dataset, Targets), "the op declares targets"
        shown = next(at for at in self._in_turn(i) if at * self.views not in self.unreadable)
        return self._dataset.target(shown, kind)

    def pair(self, i: int, views: tuple[int, int]) -> StoredPair:
        """Return two stored views of sample i, or their replacements.

        A damaged view is replaced by the object's next view that is not the other of the pair; an
        object without two readable views, by the next object of its class.

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
        """Return view k of sample i or the next readable one, with its number; never `other`."""
        assert self._stored is not None, "only stored views come in pairs"
        for number in ((k + step) % self.views for step in range(self.views)):
            if number != other:
                found = self._tried(i * self.views + number)
                if found is not None:
                    assert found.latents is not None, "a stored view has some"
                    return number, StoredView(found.pixels, found.latents)
        return None

    def add_unreadable(self, found: Mapping[int, str]) -> None:
        """Count images that another process found damaged.

        Raises:
            TooManyUnreadable: more images are unreadable than allowed.
        """
        for number, reason in found.items():
            self.unreadable.setdefault(number, reason)
        if len(self.unreadable) > self._limit:
            raise TooManyUnreadable(self.unreadable, limit=self._limit)

    def _tried(self, number: int) -> Decoded | None:
        """Return image `number`, or None if it is damaged, which is counted."""
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
        """Count unreadable images, including those found by other processes.

        Raises:
            TooManyUnreadable: there are more than allowed.
        """
        self.unreadable.update(unreadable)
        if len(self.unreadable) > self._limit:
            raise TooManyUnreadable(self.unreadable, limit=self._limit)

    def replaced(self, samples: Iterable[int]) -> tuple[int, ...]:
        """Return the unreadable images among samples that have all been read."""
        numbers = (sample * self.views for sample in samples)
        return tuple(number for number in numbers if number in self.unreadable)

    def name(self, number: int) -> str:
        """Return the name of an image, independent of the data's location."""
        return f"image {number}" if self.watched is None else self.watched.dataset.name(number)

    def _in_turn(self, i: int) -> Iterator[int]:
        """Yield i, then the other images of its class in order, starting after i."""
        yield i
        labels = self._dataset.labels
        others = np.arange(len(self)) if labels is None else np.flatnonzero(labels == labels[i])
        first = int(np.searchsorted(others, i, side="right"))
        yield from np.roll(others, -first).tolist()
