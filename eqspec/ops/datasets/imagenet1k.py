"""ImageNet-1k in any of three layouts: an image folder, tar shards, or Parquet files.

    <folder>/{train,val}/n01440764/….JPEG     also below ILSVRC/Data/CLS-LOC, as published
    <folder>/*train*.tar, <folder>/*val*.tar  or train/*.tar, val/*.tar (WebDataset, uncompressed)
    <folder>/[data/]train-*.parquet, …val…    as on the Hugging Face Hub

Classes are numbered in the order of their WordNet ids, like the labels of the other two layouts, so
labels have the same meaning in all three.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from eqspec.errors import UsageError
from eqspec.ops.folder_walk import folders_in, images_below
from eqspec.ops.image_files import (
    ImageFiles,
    known_split,
    labelled,
    needed_folder,
)
from eqspec.ops.op import DatasetParams
from eqspec.ops.parquet_images import ParquetImages, parquet_images
from eqspec.ops.tar_images import Index, TarImages, indexed
from eqspec.spec.phrases import counted

rev = 1
needs_folder = True

CLASSES = 1000

PUBLISHED = Path("ILSVRC/Data/CLS-LOC")
"""Folder of the images in the archive published by the challenge."""

_WORDNET_ID = re.compile(r"n\d{8}")
_HELD_OUT = "val"


ImageNet = ImageFiles | TarImages | ParquetImages
"""Split in one of the layouts."""


class Params(DatasetParams):
    """No parameters: the layout is detected."""


def recognises(_params: Params, folder: Path) -> bool:
    """Whether a folder is ImageNet-1k: shards, Parquet files, or its 1000 class folders."""
    if _shards(folder, "train") or _parquet(folder, "train"):
        return True
    return len(_wordnet_ids(_images(folder) / "train")) == CLASSES


def open(_params: Params, *, split: str, folder: Path | None) -> ImageNet:  # noqa: A001 - the contract's name
    """Open one split, ``train`` or ``heldout`` (the 50,000 images of `val`).

    Raises:
        UsageError: when the folder has none of the three layouts.
        EqspecError: when a shard or a Parquet file cannot be read.
    """
    known_split(split, dataset="imagenet1k")
    root = needed_folder(folder, dataset="imagenet1k")
    called = "train" if split == "train" else _HELD_OUT
    shards, files = _shards(root, called), _parquet(root, called)
    if shards:
        return _from_shards(shards, root)
    return parquet_images(files) if files else _from_folder(_images(root), called)


def _from_folder(root: Path, called: str) -> ImageFiles:
    folder = root / called
    ids = _wordnet_ids(folder)
    if len(ids) == CLASSES:
        files = sorted(images_below(folder))
        entries = ((f, f.partition("/")[0]) for f in files)
        return labelled(folder, entries, classes=ids, walked=True)
    layouts = f"class folders in `{called}`, shards `*{called}*.tar`, or `{called}-*.parquet`"
    message = f"{root} has none of the layouts of ImageNet-1k: {layouts}"
    if folder.is_dir():
        found = counted(len(ids), "class folder")
        message = f"{folder} has {found}, but ImageNet-1k has {CLASSES} classes"
    raise UsageError(message, help="to train on any folder of images: --data DIR")


def _from_shards(shards: Sequence[Path], root: Path) -> TarImages:
    index = indexed(shards)
    if len(index.names) and index.numbers.min() >= 0:
        count = max(CLASSES, int(index.numbers.max()) + 1)
        classes = tuple(str(number) for number in range(count))
        return TarImages(tuple(shards), index, classes, index.numbers)
    other = [indexed(s) for s in (_shards(root, "train"), _shards(root, _HELD_OUT)) if s]
    classes = tuple(sorted({found for i in other for found in _ids_of(i) if found}))
    number = {name: at for at, name in enumerate(classes)}
    ids = _ids_of(index)
    if not all(ids):
        message = f"{shards[0]} has no class for `{index.names[ids.index('')]}`"
        raise UsageError(
            message, help="the class is a WordNet id in its name, or a member `.cls` next to it"
        )
    labels = np.array([number[i] for i in ids], dtype=np.int64)
    return TarImages(tuple(shards), index, classes, labels)


def _ids_of(index: Index) -> list[str]:
    """Return the WordNet id in the name of each member; empty if there is none."""
    found = (_WORDNET_ID.search(name) for name in index.names)
    return [match[0] if match else "" for match in found]


def _images(folder: Path) -> Path:
    return folder / PUBLISHED if (folder / PUBLISHED).is_dir() else folder


def _wordnet_ids(folder: Path) -> tuple[str, ...]:
    below = folders_in(folder) if folder.is_dir() else ()
    return tuple(name for name in below if _WORDNET_ID.fullmatch(name))


def _shards(folder: Path, called: str) -> tuple[Path, ...]:
    return tuple(sorted({*folder.glob(f"*{called}*.tar"), *folder.glob(f"{called}/*.tar")}))


def _parquet(folder: Path, called: str) -> tuple[Path, ...]:
    pattern = f"{called}*-*.parquet"
    return tuple(sorted({*folder.glob(pattern), *folder.glob(f"data/{pattern}")}))
