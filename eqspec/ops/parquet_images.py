"""Images in Parquet files as Hugging Face's hub keeps them, read at random. Free of torch.

A column ``image`` of `{bytes, path}` and a column ``label`` of class numbers. What Parquet can read
by itself is a row group (100 images on the hub), so an image costs as much as its group; the group
read last is kept. pyarrow is imported where a file is opened, and is an extra: ``eqspec[parquet]``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eqspec.errors import EqspecError
from eqspec.ops.decode import UnreadableImage, decode
from eqspec.ops.image_files import evenly, fingerprint
from eqspec.regular_files import regular

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(slots=True)
class _Kept:
    """The row group that was read last; another process begins without."""

    group: int = -1
    images: Any = None

    def __reduce__(self) -> tuple[type[_Kept], tuple[()]]:
        return _Kept, ()


@dataclass(frozen=True, slots=True)
class ParquetImages:
    """The images of one split.

    Attributes:
        files: in order.
        groups: [g, 3], file, row group in it, and rows of the whole split before it.
        count: images in all.
        labels: [n], index into `classes`, or None without classes.
        classes: names of the classes; empty without.
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
        """Image i as 8-bit RGB, `[H, W, 3]`.

        Raises:
            UnreadableImage: its bytes cannot be read as an image.
        """
        name = f"{self.files[int(self.groups[self._group(i), 0])]}, row {i} of the split"
        content = self.content(i)
        if content is None:
            raise UnreadableImage(name, "it has no bytes")
        return decode(content, name=name)

    def content(self, i: int) -> bytes | None:
        """Image i as it is stored."""
        at = self._group(i)
        file, group, before = self.groups[at].tolist()
        if self._kept.group != at:
            table = _opened(self.files[file]).read_row_group(group, columns=["image"])
            self._kept.images = table.column("image").combine_chunks().field("bytes")
            self._kept.group = at
        return self._kept.images[i - before].as_py()

    def fingerprint(self) -> str:
        """Hash over every file's name and size, and over the ends of evenly spaced ones."""
        sizes = ((path.name, path.stat().st_size) for path in self.files)
        return fingerprint(sizes, (_footer(path) for path in evenly(self.files)))

    def _group(self, i: int) -> int:
        return int(np.searchsorted(self.groups[:, 2], i, side="right")) - 1


def parquet_images(files: Sequence[Path]) -> ParquetImages:
    """The images of some files, in order.

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


def _class_names(metadata: dict[bytes, bytes] | None) -> tuple[str, ...]:
    """Names of the classes, where Hugging Face's `datasets` has written them into the schema."""
    written = (metadata or {}).get(b"huggingface")
    if written is None:
        return ()
    label = json.loads(written)["info"]["features"].get("label", {})
    return tuple(label.get("names", ()))


def _footer(path: Path) -> bytes:
    """The last bytes of a file, where Parquet keeps its statistics and places."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 1 << 16), 2)
        return file.read()
