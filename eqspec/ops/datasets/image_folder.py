"""Images in folders, one folder per class: `root/<split>/<class>/…`, `root/<class>/…` or loose.

The usual ImageNet layout. Files are read in the sorted order of their paths, which is the same on
every machine. Pixels come as 8-bit RGB whatever was stored: EXIF orientation is applied; CMYK,
palette, gray and 16-bit images are converted; an alpha channel is dropped.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from eqspec.errors import EqspecError
from eqspec.ops.op import OpParams

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from PIL import Image

rev = 1

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Endings of the files that count as images, in lower case; everything else is passed over."""

HASHED = 256
"""Files whose content enters the fingerprint; of all the others, path and size do."""


class Params(OpParams):
    """What the folders of the splits are called.

    Attributes:
        train: folder of the training split. A root without it is read as one training split.
        heldout: folder of the held-out split.
    """

    train: str = Field(default="train", min_length=1)
    heldout: str = Field(default="val", min_length=1)


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """The images of one split.

    Attributes:
        root: the folder that `files` are relative to.
        files: paths with forward slashes, sorted.
        classes: names of the class folders, sorted; empty when images lie loose.
        labels: [n], index into `classes`, or None without classes.
        sources: [n], every file is a source of its own.
    """

    root: Path
    files: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.int64] | None = field(repr=False)
    sources: NDArray[np.int64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.files)

    def image(self, i: int) -> NDArray[np.uint8]:
        """Image i as 8-bit RGB, `[H, W, 3]`.

        Raises:
            EqspecError: the file cannot be read as an image; names it.
        """
        return read_rgb(self.root / self.files[i])

    def fingerprint(self) -> str:
        """Hash over every path and size, and over the content of evenly spaced files."""
        digest = hashlib.sha256()
        for name in self.files:
            digest.update(f"{name}\0{(self.root / name).stat().st_size}\n".encode())
        for name in self.files[:: max(1, len(self.files) // HASHED)]:
            digest.update(hashlib.sha256((self.root / name).read_bytes()).digest())
        return digest.hexdigest()


def open(params: Params, *, split: str, folder: Path | None) -> ImageFolder:  # noqa: A001 - the contract's name
    """The images of one split, ``train`` or ``heldout``, below a folder.

    Raises:
        EqspecError: there is no such folder or split, it holds no image, or images lie both
            loose and in class folders.
    """
    root = _split_folder(params, split=split, folder=folder)
    files = tuple(sorted(_images_below(root)))
    if not files:
        msg = f"there is no image in {root}"
        raise EqspecError(msg, help=f"images end in {', '.join(sorted(SUFFIXES))}")
    loose = [name for name in files if "/" not in name]
    if loose and len(loose) < len(files):
        msg = f"{root} holds images both loose ({loose[0]}) and in class folders ({files[-1]})"
        raise EqspecError(msg, help="put every image into a class folder, or none")
    classes: tuple[str, ...] = ()
    labels = None
    if not loose:
        names = [name.partition("/")[0] for name in files]
        classes = tuple(sorted(set(names)))
        index = {name: i for i, name in enumerate(classes)}
        labels = np.array([index[name] for name in names], dtype=np.int64)
    sources = np.arange(len(files), dtype=np.int64)
    return ImageFolder(root=root, files=files, classes=classes, labels=labels, sources=sources)


def _split_folder(params: Params, *, split: str, folder: Path | None) -> Path:
    if folder is None:
        raise EqspecError("this dataset needs a folder", help="say where it lies: --data NAME=DIR")
    if not folder.is_dir():
        raise EqspecError(f"there is no folder {folder}", help="check the path of the dataset")
    names = {"train": params.train, "heldout": params.heldout}
    if split not in names:
        msg = f"an image folder has no split `{split}`"
        raise EqspecError(msg, help=f"its splits are {', '.join(names)}")
    if (folder / names[split]).is_dir():
        return folder / names[split]
    if split == "train" and not (folder / params.heldout).is_dir():
        return folder
    msg = f"{folder} has no folder `{names[split]}` for the split `{split}`"
    raise EqspecError(msg, help=f"make it, or name another one with the parameter `{split}`")


def _images_below(root: Path) -> Iterator[str]:
    """Paths of image files relative to root, with forward slashes; hidden ones are passed over."""
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = Path(folder).relative_to(root)
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield (inside / name).as_posix()


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """An image file as 8-bit RGB, `[H, W, 3]`, turned upright as its EXIF data say.

    Raises:
        EqspecError: the file is missing, damaged, or no image.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            ImageOps.exif_transpose(image, in_place=True)
            return np.asarray(_to_rgb(image))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        msg = f"cannot read the image {path}: {error}"
        raise EqspecError(msg, help="repair or remove the file") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.mode == "F":
        raise ValueError("its pixels are floats, which have no fixed range")
    if "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def _eight_bits(pixels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """16-bit gray levels, rounded to the nearest of 256."""
    wide = pixels.astype(np.int64)
    if wide.min() < 0 or wide.max() > 0xFFFF:
        raise ValueError("its pixels have more than 16 bits")
    return ((wide * 0xFF + 0x7FFF) // 0xFFFF).astype(np.uint8)
