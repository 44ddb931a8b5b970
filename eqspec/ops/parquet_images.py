"""Random access to images in Parquet files in the format of Hugging Face's hub. Free of torch.

A column ``image`` of `{bytes, path}` and a column ``label`` of class numbers. Parquet reads whole
row groups (100 images on the hub), so reading an image costs as much as its group; the last group
is cached. pyarrow is imported when a file is opened, and is an extra: ``eqspec[parquet]``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eqspec.errors import EqspecError
from eqspec.ops.decode import Decoded, LostImage, UnreadableImage, decoded
from eqspec.ops.image_files import evenly, fingerprint
from eqspec.ops.stored_bytes import Content, Listing
from eqspec.regular_files import regular

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(slots=True)
class _Kept:
    """The row group that was read last; not passed to other processes."""

    group: int = -1
    images: Any = None

    def __reduce__(self) -> tuple[type[_Kept], tuple[()]]:
        return _Kept, ()


@dataclass(frozen=True, slots=True)
class ParquetImages:
    """The images of one split.

    Attributes:
        files: in order.
        groups: [g, 3], file, row group in the file, and number of rows of the split before it.
        count: number of images.
        labels: [n], index into `classes`, or None without classes.
        classes: names of the classes; empty if there are none.
    """

    files: tuple[Path, ...]
    groups: NDArray[np.int64] = field(repr=False)
    count: int
    labels: NDArray[np.int64] | None = field(repr=False)
    classes: tuple[str, ...]
    _kept: _Kept = field(default_factory=_Kept, repr=False)

    @property
    def sources(self) -> NDArray[np.int64]:
        """[n], every image is a source of its own."""
        return np.arange(self.count, dtype=np.int64)

    def __len__(self) -> int:
        return self.count

    def image(self, i: int) -> NDArray[np.uint8]:
        """Return image i as 8-bit RGB, `[H, W, 3]`.

        Raises:
            UnreadableImage: its bytes cannot be read as an image.
        """
        return self.decoded(i, self.content(i)).pixels

    def decoded(self, number: int, content: Content) -> Decoded:
        """Return the image decoded from `content`; UnreadableImage if it is not an image."""
        name = f"{self.path(number)}, row {number} of the split"
        if not content:
            raise UnreadableImage(name, "it has no bytes")
        return decoded(content[0], name=name)

    def content(self, number: int) -> Content:
        """Return the stored bytes of an image; empty if its row has none.

        Raises:
            OSError: its file does not exist.
            LostImage: its file cannot be read any more.
        """
        at = self._group(number)
        if self._kept.group != at:
            file, group, _ = self.groups[at].tolist()
            self._kept.images = _group_of(regular(self.files[file]), group)
            self._kept.group = at
        found: bytes | None = self._kept.images[number - int(self.groups[at, 2])].as_py()
        return () if found is None else (found,)

    def fingerprint(self) -> str:
        """Return a hash of all names and sizes, and of the last bytes of evenly spaced files."""
        sizes = ((path.name, path.stat().st_size) for path in self.files)
        return fingerprint(sizes, (_footer(path) for path in evenly(self.files)))

    @property
    def kept_in(self) -> NDArray[np.int64]:
        """[n], the file of each image."""
        rows = np.diff(np.append(self.groups[:, 2], self.count))
        return np.repeat(self.groups[:, 0], rows)

    @property
    def covered(self) -> Sequence[int]:
        """No images: the fingerprint covers no image's content reliably."""
        return ()

    @property
    def fingerprint_scope(self) -> str:
        """Description of the fingerprint's scope."""
        files = len(self.files)
        return (
            f"names and sizes of all {files:,} files, the last bytes of {len(evenly(self.files)):,}"
        )

    def listing(self) -> Listing:
        """Return the current size and time of each file."""
        return Listing.of(self.files)

    def name(self, number: int) -> str:
        """Return the position of an image in the split."""
        return f"{self.path(number).name}, row {number}"

    def path(self, number: int) -> Path:
        """Return the file of an image."""
        return self.files[int(self.groups[self._group(number), 0])]

    def _group(self, i: int) -> int:
        return int(np.searchsorted(self.groups[:, 2], i, side="right")) - 1


def parquet_images(files: Sequence[Path]) -> ParquetImages:
    """Return the images of files, in order.

    Raises:
        EqspecError: pyarrow is not installed, or a file is damaged or has no images.
    """
    groups: list[tuple[int, int, int]] = []
    labels: list[NDArray[np.int64]] = []
    classes: tuple[str, ...] = ()
    before = 0
    for number, path in enumerate(files):
        opened = _opened(path)
        for group in range(opened.num_row_groups):
            groups.append((number, group, before))
            before += opened.metadata.row_group(group).num_rows
        if "label" in opened.schema_arrow.names:
            column = opened.read(columns=["label"]).column("label")
            labels.append(column.to_numpy().astype(np.int64))
            classes = classes or _class_names(opened.schema_arrow.metadata)
    stacked = np.concatenate(labels) if labels else None
    if stacked is not None and not classes:
        classes = tuple(str(c) for c in range(int(stacked.max(initial=-1)) + 1))
    return ParquetImages(tuple(files), np.array(groups, np.int64), before, stacked, classes)


def _opened(path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise EqspecError(
            "Parquet files need the package `pyarrow`, which is not installed",
            help="pip install 'eqspec[parquet]'",
        ) from error
    try:
        opened = parquet.ParquetFile(regular(path))
    except (ArrowException, OSError) as error:
        message = f"cannot read the Parquet file {path}: {error}"
        raise EqspecError(message, help="copy it again") from error
    if "image" not in opened.schema_arrow.names:
        message = f"the Parquet file {path} has no column `image`"
        raise EqspecError(message, help=f"its columns are {', '.join(opened.schema_arrow.names)}")
    return opened


def _group_of(path: Path, group: int) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Return the stored images of a row group.

    Raises:
        LostImage: the file was readable before, but no longer is.
    """
    from pyarrow import ArrowException

    try:
        table = _opened(path).read_row_group(group, columns=["image"])
        return table.column("image").combine_chunks().field("bytes")
    except (ArrowException, OSError, EqspecError) as error:
        message = f"cannot read row group {group} of {path} any more: {error}"
        advice = "restore the file and run the same command again; it continues"
        raise LostImage(message, help=advice) from error


def _class_names(metadata: dict[bytes, bytes] | None) -> tuple[str, ...]:
    """Return the names of the classes, if Hugging Face's `datasets` stored them in the schema."""
    written = (metadata or {}).get(b"huggingface")
    if written is None:
        return ()
    label = json.loads(written)["info"]["features"].get("label", {})
    return tuple(label.get("names", ()))


def _footer(path: Path) -> bytes:
    """Return the last bytes of a file, where Parquet stores its statistics and offsets."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 1 << 16), 2)
        return file.read()
