"""Random access to images in tar shards through a stored index of offsets. Free of torch.

The WebDataset layout: members that share a key (``n01440764_10026.JPEG``, ``….cls``) are one
sample. Shards must not be compressed, so that a member is a range of bytes in its shard. The index
is stored beside the shards, or in the user's cache folder if theirs is not writable; it is rebuilt
when the name, size or modification time of a shard changes.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import numpy as np

from eqspec.errors import EqspecError
from eqspec.ops.decode import Decoded, decoded
from eqspec.ops.image_files import evenly, fingerprint, fingerprint_scope
from eqspec.ops.left_out import SUFFIXES
from eqspec.ops.stored_bytes import Content, Listing
from eqspec.regular_files import regular

if TYPE_CHECKING:
    from numpy.typing import NDArray

BESIDE = ".eqspec-index"
"""Folder of the index beside the shards."""

CACHE = Path("~/.cache/eqspec/tar-index")
"""Folder of the index if the shards' own folder is not writable."""

FORMAT = 1
"""Version of the index format; an index of another version is rebuilt."""


@dataclass(frozen=True, slots=True)
class Index:
    """Positions of the images in shards.

    Attributes:
        names: names of the images' members, in the order of the shards.
        places: [n, 3], shard, first byte and number of bytes.
        numbers: [n], the class in the ``.cls`` member of the same key; -1 without.
    """

    names: tuple[str, ...]
    places: NDArray[np.int64]
    numbers: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TarImages:
    """The images of one split.

    Attributes:
        shards: the files, in order.
        classes: names of the classes; empty if there are none.
        labels: [n], index into `classes`, or None without classes.
    """

    shards: tuple[Path, ...]
    index: Index = field(repr=False)
    classes: tuple[str, ...] = ()
    labels: NDArray[np.int64] | None = field(default=None, repr=False)

    @property
    def sources(self) -> NDArray[np.int64]:
        """[n], every image is a source of its own."""
        return np.arange(len(self), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.index.names)

    def content(self, number: int) -> Content:
        """Return the stored bytes of an image; OSError if its shard cannot be read."""
        shard, start, size = self.index.places[number].tolist()
        with regular(self.shards[shard]).open("rb") as file:
            file.seek(start)
            return (file.read(size),)

    def decoded(self, number: int, content: Content) -> Decoded:
        """Return the image decoded from `content`; UnreadableImage if it is not an image."""
        return decoded(content[0], name=f"{self.path(number)}:{self.name(number)}")

    def image(self, i: int) -> NDArray[np.uint8]:
        """Return image i as 8-bit RGB, `[H, W, 3]`.

        Raises:
            UnreadableImage: the member cannot be read as an image.
        """
        return self.decoded(i, self.content(i)).pixels

    def fingerprint(self) -> str:
        """Return a hash of all names and sizes, and of the content of evenly spaced members."""
        sizes = zip(self.index.names, self.index.places[:, 2].tolist(), strict=True)
        chosen = (self.content(i)[0] for i in self.covered)
        return fingerprint(sizes, chosen)

    @property
    def kept_in(self) -> NDArray[np.int64]:
        """[n], the shard of each image."""
        return self.index.places[:, 0]

    @property
    def covered(self) -> Sequence[int]:
        """Images whose content enters the fingerprint."""
        return evenly(range(len(self)))

    @property
    def fingerprint_scope(self) -> str:
        """Description of the fingerprint's scope."""
        return fingerprint_scope(len(self), covered=len(self.covered), what="members of the shards")

    def listing(self) -> Listing:
        """Return the current size and time of each shard."""
        return Listing.of(self.shards)

    def name(self, number: int) -> str:
        """Return the name of an image's member."""
        return self.index.names[number]

    def path(self, number: int) -> Path:
        """Return the shard of an image."""
        return self.shards[int(self.index.places[number, 0])]


def indexed(shards: Sequence[Path], *, cache: Path = CACHE) -> Index:
    """Return the index of shards: the stored one, or a new one, which is stored.

    Args:
        cache: folder of the index if the shards' own folder is not writable.

    Raises:
        EqspecError: a shard is damaged or compressed.
    """
    stamp = _stamp(shards)
    name = f"{stamp[:16]}.npz"
    homes = (shards[0].parent / BESIDE / name, cache.expanduser() / name)
    for home in homes:
        found = _load(home, stamp=stamp)
        if found is not None:
            return found
    index = _build(shards)
    for home in homes:
        with suppress(OSError):
            _save(index, home, stamp=stamp)
            break
    return index


def _stamp(shards: Sequence[Path]) -> str:
    """Return a hash of the state of the shards for which an index is valid."""
    facts = [(path.name, (s := path.stat()).st_size, s.st_mtime_ns) for path in shards]
    return hashlib.sha256(json.dumps([FORMAT, facts]).encode()).hexdigest()


def _build(shards: Sequence[Path]) -> Index:
    names: list[str] = []
    places: list[tuple[int, int, int]] = []
    numbers: list[int] = []
    for shard, path in enumerate(shards):
        images, classes = _members(path)
        names += [member.name for member in images]
        places += [(shard, member.offset_data, member.size) for member in images]
        numbers += [classes.get(_key(member.name), -1) for member in images]
    return Index(
        names=tuple(names),
        places=np.array(places, dtype=np.int64).reshape(-1, 3),
        numbers=np.array(numbers, dtype=np.int64),
    )


def _members(path: Path) -> tuple[list[tarfile.TarInfo], dict[str, int]]:
    """Return the images of a shard, and the classes of its ``.cls`` members by key."""
    images: list[tarfile.TarInfo] = []
    classes: dict[str, int] = {}
    try:
        with tarfile.open(regular(path), "r:") as shard:
            for member in shard:
                suffix = PurePosixPath(member.name).suffix.lower()
                if member.isfile() and suffix in SUFFIXES:
                    images.append(member)
                elif member.isfile() and suffix == ".cls":
                    content = shard.extractfile(member)
                    assert content is not None, "it is a file"
                    classes[_key(member.name)] = int(content.read())
            end = max((m.offset_data + m.size for m in images), default=0)
    except (tarfile.TarError, OSError, ValueError) as error:
        message = f"cannot read the shard {path}: {error}"
        raise EqspecError(message, help="shards are tar files without compression") from error
    if end > path.stat().st_size:
        message = f"the shard {path} ends in the middle of {images[-1].name}"
        raise EqspecError(message, help="copy it again")
    return images, classes


def _key(name: str) -> str:
    """Return the key of a sample: a member's name up to the first dot of its last part."""
    folder, _, last = name.rpartition("/")
    return f"{folder}/{last.partition('.')[0]}"


def _save(index: Index, home: Path, *, stamp: str) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=home.parent, suffix=".part", delete=False) as file:
        temporary = Path(file.name)
        try:
            np.savez(
                file,
                stamp=np.array(stamp),
                names=np.frombuffer("\0".join(index.names).encode(), dtype=np.uint8),
                places=index.places,
                numbers=index.numbers,
            )
        except BaseException:
            temporary.unlink()
            raise
    temporary.replace(home)


def _load(home: Path, *, stamp: str) -> Index | None:
    """Return a stored index, or None if there is none that is valid."""
    try:
        with np.load(io.BytesIO(home.read_bytes()), allow_pickle=False) as kept:
            if str(kept["stamp"]) != stamp:
                return None
            names = kept["names"].tobytes().decode()
            return Index(tuple(names.split("\0")), kept["places"], kept["numbers"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
