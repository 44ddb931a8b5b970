"""Comparison of the names of training images with those that a run has recorded."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eqspec.errors import EqspecError, FolderMismatch
from eqspec.runs.data_record import load_names

if TYPE_CHECKING:
    from eqspec.commands.planning.data_locations import DataLocations
    from eqspec.ops.tolerant import Tolerant
    from eqspec.ops.watched import Watched
    from eqspec.runs.folder import RunFolder

NAMED = 5
"""Most images that a message lists."""


@dataclass(frozen=True, slots=True)
class OtherNames:
    """Images that only the run's record or only the data here have, by name."""

    missing: tuple[str, ...]
    added: tuple[str, ...]


def all_names(watched: Watched) -> Iterator[str]:
    """Yield the name of every image, in the order of the dataset."""
    return (watched.dataset.name(number) for number in range(len(watched.checksums)))


def other_names(folder: RunFolder, train: Tolerant) -> OtherNames | None:
    """Compare the names; None if they are the same, or if the run has not recorded them."""
    recorded = load_names(folder.path)
    if recorded is None or train.watched is None:
        return None
    here = tuple(all_names(train.watched))
    before, after = dict.fromkeys(recorded), dict.fromkeys(here)
    missing = tuple(name for name in before if name not in after)
    added = tuple(name for name in after if name not in before)
    return OtherNames(missing, added) if missing or added else None


def require_same_images(folder: RunFolder, train: Tolerant, *, data: DataLocations) -> None:
    """Record the fingerprint of the training data, or compare it with the recorded one.

    Args:
        data: locations of datasets, for the command to advise.

    Raises:
        FolderMismatch: the run started with other data; with the images that differ, if it has
            recorded their names.
    """
    fingerprint = train.fingerprint()
    recorded = folder.record_data(fingerprint)
    if recorded == fingerprint:
        return
    try:
        other = other_names(folder, train)
    except EqspecError:  # damaged: the fingerprint decides
        other = None
    if other is not None:
        what = "; ".join(phrases(other))
    else:
        scope = f" (of {train.fingerprint_scope})" if train.fingerprint_scope else ""
        what = (
            f"its fingerprint is {recorded[:12]}, that of the data here {fingerprint[:12]}{scope}"
        )
    audit = shlex.join(["eqspec", "audit", str(folder.path), "--level", "L1", *data.arguments])
    raise FolderMismatch(
        f"`{folder.path}` was trained on other data: {what}",
        help="use the data that it started with, or put the new run elsewhere: --runs DIR; "
        f"`{audit}` compares them",
    )


def listed(names: Sequence[str]) -> str:
    """Return the first of some names, and the number of the others."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def same_names(folder: RunFolder, watched: Watched) -> tuple[tuple[int, int], ...]:
    """Return the indices, in the run's data and in those here, of the images that both have."""
    here = {name: number for number, name in enumerate(all_names(watched))}
    names = enumerate(load_names(folder.path) or ())
    return tuple((then, here[name]) for then, name in names if name in here)


def phrases(other: OtherNames) -> Iterator[str]:
    """Yield how many images are missing and how many are new, with the names of some."""
    for names, verb in ((other.missing, "missing"), (other.added, "new")):
        if names:
            count = "1 image is" if len(names) == 1 else f"{len(names):,} images are"
            yield f"{count} {verb}: {listed(names)}"
