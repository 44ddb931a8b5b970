"""Comparison of training data with a run folder's record of the data that the run has read.

The fingerprint covers the names and sizes of all files and the content of some. Changes that it
misses are found by modification times and by checksums of the images that training has read; images
that neither can tell apart are named in a warning. `data.fingerprint: full` covers everything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eqspec.commands.running.data_names import all_names, listed
from eqspec.errors import FolderMismatch
from eqspec.ops.decode import UnreadableImage
from eqspec.runs.data_record import (
    DataRecord,
    KnownData,
    Replaced,
    load_data,
    save_data,
    save_names,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.compile.types.plan import DataPlan, Plan
    from eqspec.ops.tolerant import Tolerant
    from eqspec.ops.watched import Watched
    from eqspec.runs.folder import RunFolder

MODIFIED = 1024
"""Most images modified since the run began that are compared."""

SAMPLE = 256
"""Most other images that are compared."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The data on this machine, compared with a run's record of them.

    Attributes:
        known: number of images with a recorded checksum.
        compared: of these, the number whose content was read and compared.
        other: names of those with another content.
        unknown: names of images modified since, without a recorded checksum.
        replaced: names of those that were replaced when the run read them.
        readable: of these, those that can be decoded here.
        same_in_full: whether the content of all images is the same; None if it was not compared.
    """

    known: int
    compared: int
    other: tuple[str, ...]
    unknown: tuple[str, ...]
    replaced: tuple[str, ...]
    readable: tuple[str, ...]
    same_in_full: bool | None = None


def compare_data(known: KnownData, train: Tolerant, *, full: bool = False) -> Compared:
    """Compare images that may have changed, and a sample of the others.

    Args:
        full: compare every image with a recorded checksum.

    Raises:
        LostImage: an image cannot be read now.
    """
    replaced = tuple(one.name for one in known.record.replaced)
    watched = train.watched
    if watched is None or len(watched.checksums) != len(known.checksums):
        return Compared(0, 0, (), (), replaced, ())
    listing = watched.list_files()
    alike = len(listing.times) == len(known.times)
    modified = (listing.times != known.times)[watched.kept_in] if alike else watched.kept_in < 0
    has = known.checksums != 0
    odd = np.array([one.number for one in known.record.replaced], np.int64)
    every = np.flatnonzero(has)
    chosen = every
    if not full:
        some = (_some(np.flatnonzero(modified & has), MODIFIED), _some(every, SAMPLE), odd)
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
    unknown = np.flatnonzero(modified & ~has & ~covered)
    return Compared(
        known=len(every),
        compared=len(chosen),
        other=_names(watched, other),
        unknown=_names(watched, unknown),
        replaced=replaced,
        readable=tuple(one.name for one in known.record.replaced if decodes(watched, one.number)),
        same_in_full=digest == known.record.full if in_full else None,
    )


def changed_images(
    known: KnownData, train: Tolerant, *, pairs: Sequence[tuple[int, int]], full: bool = False
) -> tuple[str, ...]:
    """Compare images by name, where others are missing or new; return those that differ.

    Args:
        pairs: indices of an image in the run's record and here.
        full: compare all of them, not a sample.

    Raises:
        LostImage: an image cannot be read now.
    """
    watched = train.watched
    if watched is None:
        return ()
    read = np.array([pair for pair in pairs if known.checksums[pair[0]]], np.int64).reshape(-1, 2)
    chosen = np.arange(len(read)) if full else _some(np.arange(len(read)), SAMPLE)
    if not full and len(known.times) == len(known.checksums):  # each image is a file
        times = watched.list_files().times[watched.kept_in[read[:, 1]]]
        modified = np.flatnonzero(known.times[read[:, 0]] != times)
        chosen = np.union1d(chosen, _some(modified, MODIFIED))
    other = [n for then, n in read[chosen].tolist() if watched.peek(n) != known.checksums[then]]
    return _names(watched, np.array(other, np.int64))


def _some(numbers: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return evenly spaced numbers, at most a given count."""
    if len(numbers) <= most:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, most).round().astype(np.int64)]


def _names(watched: Watched, numbers: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(watched.dataset.name(number) for number in numbers.tolist())


def decodes(watched: Watched, number: int) -> bool:
    """Return whether an image can be decoded here.

    Raises:
        LostImage: it is missing, or has changed since its dataset was listed.
    """
    try:
        watched.read(number)
    except UnreadableImage:
        return False
    return True


def full_digest(watched: Watched) -> str:
    """Return a SHA-256 over the content of all images, in order, and note all their checksums."""
    digest = hashlib.sha256()
    for number in range(len(watched.checksums)):
        for part in watched.content(number):
            digest.update(hashlib.sha256(part).digest())
    watched.trained[:] = True
    return digest.hexdigest()


def begin_data(folder: RunFolder, train: Tolerant, *, plan: Plan) -> None:
    """Record the data that a run begins with, unless they are recorded already.

    Raises:
        LostImage: an image cannot be read now.
        EqspecError: the record cannot be modified.
    """
    known = load_data(folder.path)
    new = known is None
    if known is None:
        known = _begun(plan.data, train)
    if plan.fingerprint == "full" and known.record.full is None and train.watched is not None:
        record = known.record.model_copy(update={"full": full_digest(train.watched)})
        known, new = KnownData(record, known.times, train.watched.checksums), True
    if new:
        if train.watched is not None:
            save_names(folder.path, all_names(train.watched))
        save_data(folder.path, known, begun=True)


def _begun(data: DataPlan, train: Tolerant) -> KnownData:
    """Return the record before any image has been read."""
    watched = train.watched
    times = np.zeros(0, np.int64) if watched is None else watched.list_files().times
    none_read = np.zeros(0 if watched is None else len(watched.checksums), np.uint32)
    record = DataRecord(
        dataset=data.name,
        files=len(times),
        images=len(none_read),
        scope=train.fingerprint_scope,
    )
    return KnownData(record, times, none_read)


def check_data(folder: RunFolder, train: Tolerant, *, plan: Plan) -> tuple[str, ...]:
    """Refuse data other than those that a run has read; return warnings about unknown images.

    Images that are read from now on are compared with the record, too.

    Raises:
        FolderMismatch: with the names of the images that differ.
        LostImage: an image cannot be read now.
    """
    known, watched = load_data(folder.path), train.watched
    if known is None:
        return ()
    found = compare_data(known, train, full=plan.fingerprint == "full")
    if found.other or found.same_in_full is False:
        what = f"{images_were(len(found.other))} changed since: {listed(found.other)}"
        if not found.other:
            what = "their names, sizes and checksums are the same, but their content is not"
        raise FolderMismatch(
            f"`{folder.path}` was trained on other data: {what}",
            help="restore the images that it began with, or keep the other run apart: --runs DIR",
        )
    if watched is not None and len(watched.checksums) == len(known.checksums):
        watched.checksums = known.checksums.copy()
        watched.trained = known.checksums != 0
    if not found.unknown:
        return ()
    warning = (
        f"warning: {images_were(len(found.unknown))} modified since this run began, which has not "
        f"read them yet: {listed(found.unknown)}; names and sizes are the same, but the content "
        "then is unknown (`data.fingerprint: full` records it)"
    )
    return (warning,)


def images_were(count: int) -> str:
    """Return a number of images with its verb."""
    return "1 image was" if count == 1 else f"{count:,} images were"


def save_known(folder: RunFolder, train: Tolerant) -> None:
    """Record which images training has read so far, and which were replaced."""
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
