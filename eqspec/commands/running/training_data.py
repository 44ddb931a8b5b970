"""The training data beside what a run folder knows of them: the same as when the run read them?

The fingerprint covers the names and sizes of all files and the content of some. What it leaves out
is found by the times of change and by the checksums of what training has read; what neither can
tell is named. `data.fingerprint: full` leaves nothing out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eqspec.errors import FolderMismatch
from eqspec.ops.decode import UnreadableImage
from eqspec.runs.data_record import DataRecord, KnownData, Replaced, load_data, save_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.compile.types.plan import DataPlan, Plan
    from eqspec.ops.tolerant import Tolerant
    from eqspec.ops.watched import Watched
    from eqspec.runs.folder import RunFolder

WRITTEN = 1024
"""Images whose file was written since the run began that are compared, at most."""

SAMPLE = 256
"""Other images that the run has read that are compared, at most."""

NAMED = 5
"""Images that a message lists."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The data as they are here beside what a run knows of them.

    Attributes:
        known: images whose content the run knows.
        compared: of these, those whose content was read here and compared.
        other: names of those with another content.
        unknown: names of images written since, whose content nothing here knows.
        replaced: names of those that were replaced when the run read them.
        readable: of these, those that can be decoded here.
        same_in_full: whether the content of all is what it was; None where that was not looked at.
    """

    known: int
    compared: int
    other: tuple[str, ...]
    unknown: tuple[str, ...]
    replaced: tuple[str, ...]
    readable: tuple[str, ...]
    same_in_full: bool | None = None


def compare_data(known: KnownData, train: Tolerant, *, full: bool = False) -> Compared:
    """Looks at images that may have changed, and at some that should not have.

    Args:
        full: look at every image whose content the run knows.

    Raises:
        LostImage: an image cannot be read now.
    """
    replaced = tuple(one.name for one in known.record.replaced)
    watched = train.watched
    if watched is None or len(watched.checksums) != len(known.checksums):
        return Compared(0, 0, (), (), replaced, ())
    listing = watched.list_files()
    alike = len(listing.times) == len(known.times)
    written = (listing.times != known.times)[watched.kept_in] if alike else watched.kept_in < 0
    has = known.checksums != 0
    odd = np.array([one.number for one in known.record.replaced], np.int64)
    every = np.flatnonzero(has)
    chosen = every
    if not full:
        some = (_some(np.flatnonzero(written & has), WRITTEN), _some(every, SAMPLE), odd)
        chosen = np.unique(np.concatenate(some))
    in_full = full and known.record.full is not None
    digest = full_digest(watched) if in_full else None
    if digest is None:
        found = np.array([watched.peek(number) for number in chosen.tolist()], np.uint32)
    else:
        found = watched.checksums[chosen]
    other = chosen[(found != known.checksums[chosen]) & has[chosen]]
    covered = np.zeros(len(has), np.bool_)
    covered[list(watched.dataset.covered)] = True
    unknown = np.flatnonzero(written & ~has & ~covered)
    return Compared(
        known=len(every),
        compared=len(chosen),
        other=_names(watched, other),
        unknown=_names(watched, unknown),
        replaced=replaced,
        readable=tuple(one.name for one in known.record.replaced if decodes(watched, one.number)),
        same_in_full=digest == known.record.full if in_full else None,
    )


def _some(numbers: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of them, evenly spaced."""
    if len(numbers) <= most:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, most).round().astype(np.int64)]


def _names(watched: Watched, numbers: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(watched.dataset.name(number) for number in numbers.tolist())


def decodes(watched: Watched, number: int) -> bool:
    """Whether an image can be read here.

    Raises:
        LostImage: it is not there, or has changed, since its dataset was listed.
    """
    try:
        watched.read(number)
    except UnreadableImage:
        return False
    return True


def full_digest(watched: Watched) -> str:
    """SHA-256 over the content of all images, in order; their checksums are known from then on."""
    digest = hashlib.sha256()
    for number in range(len(watched.checksums)):
        for part in watched.content(number):
            digest.update(hashlib.sha256(part).digest())
    watched.trained[:] = True
    return digest.hexdigest()


def begin_data(folder: RunFolder, train: Tolerant, *, plan: Plan) -> None:
    """Writes down what a run begins with, where that is not known yet.

    Raises:
        LostImage: when an image cannot be read now.
        EqspecError: when it cannot be written.
    """
    known = load_data(folder.path)
    new = known is None
    if known is None:
        known = _begun(plan.data, train)
    if plan.fingerprint == "full" and known.record.full is None and train.watched is not None:
        record = known.record.model_copy(update={"full": full_digest(train.watched)})
        known, new = KnownData(record, known.times, train.watched.checksums), True
    if new:
        save_data(folder.path, known, begun=True)


def _begun(data: DataPlan, train: Tolerant) -> KnownData:
    """What is known before any image has been read."""
    watched = train.watched
    times = np.zeros(0, np.int64) if watched is None else watched.list_files().times
    none_read = np.zeros(0 if watched is None else len(watched.checksums), np.uint32)
    record = DataRecord(
        dataset=data.name,
        files=len(times),
        images=len(none_read),
        looked_at=train.looked_at,
    )
    return KnownData(record, times, none_read)


def check_data(folder: RunFolder, train: Tolerant, *, plan: Plan) -> tuple[str, ...]:
    """Refuses data that are not those that a run has read; returns what cannot be told.

    What is read from now on is compared with what the run knows, too.

    Raises:
        FolderMismatch: naming the images.
        LostImage: when an image cannot be read now.
    """
    known, watched = load_data(folder.path), train.watched
    if known is None:
        return ()
    found = compare_data(known, train, full=plan.fingerprint == "full")
    if found.other or found.same_in_full is False:
        what = f"{counted(len(found.other))} changed since: {listed(found.other)}"
        if not found.other:
            what = "their names, sizes and checksums are the same, but their content is not"
        raise FolderMismatch(
            f"`{folder.path}` was trained on other data: {what}",
            help="put back the images that it began with, or keep the other run apart: --runs DIR",
        )
    if watched is not None and len(watched.checksums) == len(known.checksums):
        watched.checksums = known.checksums.copy()
        watched.trained = known.checksums != 0
    if not found.unknown:
        return ()
    said = (
        f"warning: {counted(len(found.unknown))} written since this run began, which has not read "
        f"them yet: {listed(found.unknown)}; names and sizes are the same, what they held is not "
        "known (`data.fingerprint: full` would know it)"
    )
    return (said,)


def counted(count: int) -> str:
    """So many images with their verb."""
    return "1 image was" if count == 1 else f"{count:,} images were"


def listed(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def save_known(folder: RunFolder, train: Tolerant) -> None:
    """Writes down which images training has read so far, and which were replaced."""
    known, watched = load_data(folder.path), train.watched
    if known is None or watched is None:
        return
    before = {one.number: one for one in known.record.replaced}
    met = (n for n in train.unreadable if watched.trained[n])
    replaced = before | {n: Replaced(number=n, name=watched.dataset.name(n)) for n in met}
    record = known.record.model_copy(
        update={"replaced": tuple(replaced[n] for n in sorted(replaced))}
    )
    kept = np.where(watched.trained, watched.checksums, 0).astype(np.uint32)
    save_data(folder.path, KnownData(record, known.times, kept))
