"""Datasets with one file per image, as most dataset ops return them. Free of torch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from eqspec.errors import UsageError
from eqspec.ops.decode import Decoded, decode, decoded
from eqspec.ops.stored_bytes import Content, Listing
from eqspec.regular_files import content_of, regular

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Item = TypeVar("_Item")

HASHED = 256
"""Number of images whose content is part of the fingerprint; for all others, only name and size."""

_LIKE = 0.7
"""Similarity of a folder's name to a wrong one, from 0 to 1, at which it is suggested."""

SPLITS = ("train", "heldout")
"""Splits of every dataset."""


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The images of one split.

    Attributes:
        root: the folder that `files` are relative to.
        files: paths with forward slashes.
        classes: names of the classes; empty if there are none.
        labels: [n], index into `classes`, or None without classes.
        walked: whether the files were found in the folder; otherwise a list names them, and some
            may never have existed.
    """

    root: Path
    files: tuple[str, ...]
    classes: tuple[str, ...] = ()
    labels: NDArray[np.int64] | None = field(default=None, repr=False)
    walked: bool = False

    @property
    def sources(self) -> NDArray[np.int64]:
        """[n], every file is a source of its own."""
        return np.arange(len(self.files), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.files)

    def image(self, i: int) -> NDArray[np.uint8]:
        """Image i as 8-bit RGB, `[H, W, 3]`.

        Raises:
            UnreadableImage: the file cannot be read as an image.
        """
        return decode(self.root / self.files[i])

    def fingerprint(self) -> str:
        """Return a hash of all paths and sizes, and of the content of evenly spaced files."""
        sizes = self.listing().sizes.tolist()
        chosen = (content_of(self.root / name) for name in evenly(self.files))
        return fingerprint(zip(self.files, sizes, strict=True), chosen)

    @property
    def kept_in(self) -> NDArray[np.int64]:
        """[n], each image is a file of its own."""
        return self.sources

    @property
    def covered(self) -> Sequence[int]:
        """Images whose content enters the fingerprint."""
        return evenly(range(len(self)))

    @property
    def fingerprint_scope(self) -> str:
        """Description of the fingerprint's scope."""
        return fingerprint_scope(len(self), covered=len(self.covered))

    def listing(self) -> Listing:
        """Return the current size and time of each file."""
        return Listing.of(f"{self.root}/{name}" for name in self.files)

    def name(self, number: int) -> str:
        """Return the path of an image relative to the root."""
        return self.files[number]

    def path(self, number: int) -> Path:
        """Return the file of an image."""
        return self.root / self.files[number]

    def content(self, number: int) -> Content:
        """Return the content of an image's file; OSError if it cannot be read."""
        return (regular(self.path(number)).read_bytes(),)

    def decoded(self, number: int, content: Content) -> Decoded:
        """Return the image decoded from `content`; UnreadableImage if it is not an image."""
        return decoded(content[0], name=str(self.path(number)))


def labelled(
    root: Path,
    entries: Iterable[tuple[str, str]],
    *,
    classes: Sequence[str],
    walked: bool = False,
) -> ImageFiles:
    """Return the images of pairs (path relative to root, class name), in this order.

    Args:
        walked: whether the paths were found in the folder.

    Raises:
        UsageError: an image belongs to none of the classes.
    """
    listed = tuple(entries)
    index = {name: i for i, name in enumerate(classes)}
    stray = next((path for path, name in listed if name not in index), None)
    if stray is not None:
        message = f"{root / stray} is not in a class folder"
        raise UsageError(message, help="move it into one, or out of this folder")
    return ImageFiles(
        root=root,
        files=tuple(path for path, _ in listed),
        classes=tuple(classes),
        labels=np.array([index[name] for _, name in listed], dtype=np.int64),
        walked=walked,
    )


def evenly(items: Sequence[_Item]) -> Sequence[_Item]:
    """Return about `HASHED` evenly spaced items, or all if there are fewer."""
    return items[:: max(1, len(items) // HASHED)]


def fingerprint_scope(count: int, *, covered: int, what: str = "images") -> str:
    """Describe the scope of a fingerprint."""
    if covered == count:
        return f"names, sizes and content of all {count:,} {what}"
    return f"names and sizes of all {count:,} {what}, content of {covered:,}"


def held_out_evenly(count: int, *, share: float) -> NDArray[np.bool_]:
    """Return a mask `[count]` of held-out items: evenly spaced, at least one of two or more."""
    if share > 0 and count > 1:
        share = max(share, 1 / count)
    steps = np.floor(np.arange(count + 1, dtype=np.float64) * share + 1e-9)
    return np.diff(steps) > 0


def fingerprint(sizes: Iterable[tuple[str, int]], chosen: Iterable[bytes]) -> str:
    """Return a hash of names and sizes, and of the content of some files."""
    digest = hashlib.sha256()
    for name, size in sizes:
        digest.update(f"{name}\0{size}\n".encode())
    for content in chosen:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


class LocationNotSet(UsageError):
    """The location of a dataset is not configured; the message gives the name of its card.

    Args:
        own: whether the spec trains on it; data named by an evaluation cannot be replaced.

    Attributes:
        dataset: name of its card.
    """

    def __init__(self, dataset: str, *, own: bool = True) -> None:
        other = ", or --data DIR for any folder of images" if own else ""
        message = f"the location of `{dataset}` is not configured"
        super().__init__(message, help=f"--data {dataset}=DIR{other}")
        self.dataset = dataset


def needed_folder(folder: Path | None, *, dataset: str) -> Path:
    """Return the folder of a dataset that needs one.

    Raises:
        LocationNotSet: no folder is configured.
        UsageError: the folder does not exist.
    """
    if folder is None:
        raise LocationNotSet(dataset)
    if not folder.is_dir():
        raise no_folder(folder)
    return folder


def no_folder(folder: Path) -> UsageError:
    """Return the error for a path that is not a folder, with a folder beside it of a like name."""
    message = f"there is no folder {folder}"
    if folder.exists():
        return UsageError(
            f"{folder} is a file, not a folder", help="name the folder of the dataset"
        )
    if folder.is_symlink():
        message += f": the link leads to {folder.readlink()}, which does not exist"
    try:
        beside = [path.name for path in folder.parent.iterdir() if path.is_dir()]
    except OSError:  # the folder above does not exist either, or cannot be read
        beside = []
    near = get_close_matches(folder.name, beside, n=1, cutoff=_LIKE)
    guess = f"did you mean `{folder.with_name(near[0])}`?" if near else ""
    return UsageError(message, help=guess or "check the path of the dataset")


def known_split(split: str, *, dataset: str) -> None:
    """Check that a split is one of `SPLITS`.

    Raises:
        UsageError: it is not.
    """
    if split not in SPLITS:
        message = f"{dataset} has no split `{split}`"
        raise UsageError(message, help=f"its splits are {', '.join(SPLITS)}")
