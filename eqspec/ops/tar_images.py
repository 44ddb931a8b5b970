"""Images in tar shards, read at random: an index of offsets is built once and kept. Free of torch.

The WebDataset layout: members that share a key (``n01440764_10026.JPEG``, ``….cls``) are one
sample. Shards must not be compressed, since a member is then a range of bytes in its shard. The
index lies beside the shards, or in the user's cache folder where that cannot be written; it is
built anew when a shard's name, size or time of change is another.
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
from eqspec.ops.image_files import evenly, fingerprint, looked_at
from eqspec.ops.left_out import SUFFIXES
from eqspec.ops.stored_bytes import Content, Listing
from eqspec.regular_files import regular

if TYPE_CHECKING:
    from numpy.typing import NDArray

BESIDE = ".eqspec-index"
"""Folder of the index beside the shards."""

CACHE = Path("~/.cache/eqspec/tar-index")
"""Where an index is kept when the shards' own folder cannot be written."""

FORMAT = 1
"""Of the index; an index of another format is built anew."""


@dataclass(frozen=True, slots=True)
class Index:
    """Where each image of some shards is.

    Attributes:
        names: of the images' members, in the order of the shards.
        places: [n, 3], shard, first byte and number of bytes.
        numbers: [n], the class that a ``.cls`` member beside the image gives; -1 without.
    """

    names: tuple[str, ...]
    places: NDArray[np.int64]
    numbers: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TarImages:
    """The images of one split.

    Attributes:
        shards: the files, in order.
        classes: names of the classes; empty without.
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
        """An image as it is stored; OSError where its shard cannot be read."""
        shard, start, size = self.index.places[number].tolist()
        with regular(self.shards[shard]).open("rb") as file:
            file.seek(start)
            return (file.read(size),)

    def decoded(self, number: int, content: Content) -> Decoded:
        """The image that some content holds; UnreadableImage where it holds none."""
        return decoded(content[0], name=f"{self.path(number)}:{self.name(number)}")

    def image(self, i: int) -> NDArray[np.uint8]:
        """Image i as 8-bit RGB, `[H, W, 3]`.

        Raises:
            UnreadableImage: the member cannot be read as an image.
        """
        return self.decoded(i, self.content(i)).pixels

    def fingerprint(self) -> str:
        """Hash over every member's name and size, and over the content of evenly spaced ones."""
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
    def looked_at(self) -> str:
        """What the fingerprint is taken of."""
        return looked_at(len(self), covered=len(self.covered), what="members of the shards")

    def listing(self) -> Listing:
        """The shards as they are found now."""
        return Listing.of(self.shards)

    def name(self, number: int) -> str:
        """The name of an image's member."""
        return self.index.names[number]

    def path(self, number: int) -> Path:
        """The shard of an image."""
        return self.shards[int(self.index.places[number, 0])]


def indexed(shards: Sequence[Path], *, cache: Path = CACHE) -> Index:
    """The index of some shards: read where it is kept, else built and kept.

    Args:
        cache: where to keep it when the shards' own folder cannot be written.

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
    made = _build(shards)
    for home in homes:
        with suppress(OSError):
            _save(made, home, stamp=stamp)
            break
    return made


def _stamp(shards: Sequence[Path]) -> str:
    """What an index is valid for."""
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
    """The images of a shard, and the classes that stand beside them, by key."""
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
    """What the members of one sample share: the name up to the first dot of its last part."""
    folder, _, last = name.rpartition("/")
    return f"{folder}/{last.partition('.')[0]}"


def _save(index: Index, home: Path, *, stamp: str) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=home.parent, suffix=".part", delete=False) as file:
        made = Path(file.name)
        try:
            np.savez(
                file,
                stamp=np.array(stamp),
                names=np.frombuffer("\0".join(index.names).encode(), dtype=np.uint8),
                places=index.places,
                numbers=index.numbers,
            )
        except BaseException:
            made.unlink()
            raise
    made.replace(home)


def _load(home: Path, *, stamp: str) -> Index | None:
    """A kept index; None where there is none, or none that holds."""
    try:
        with np.load(io.BytesIO(home.read_bytes()), allow_pickle=False) as kept:
            if str(kept["stamp"]) != stamp:
                return None
            names = kept["names"].tobytes().decode()
            return Index(tuple(names.split("\0")), kept["places"], kept["numbers"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
