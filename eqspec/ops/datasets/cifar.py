"""CIFAR-10 and CIFAR-100: 60,000 images of 32 px, 10,000 of them held out.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. Read from the published
pickle files with a reader that accepts only arrays, or from image folders `train/<class>/…` and
`test/<class>/…`.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from eqspec.errors import EqspecError
from eqspec.ops.array_images import ArrayImages
from eqspec.ops.folder_walk import folders_in, images_below
from eqspec.ops.image_files import ImageFiles, known_split, labelled
from eqspec.ops.published import Published, PublishedParams
from eqspec.regular_files import regular

if TYPE_CHECKING:
    from collections.abc import Mapping


rev = 1
in_memory = True  # reading ahead would gain nothing
needs_folder = True

SIDE = 32

COUNTS = MappingProxyType({"train": 50_000, "test": 10_000})
"""Images in each folder of the image-folder layout."""


@dataclass(frozen=True, slots=True)
class Pickles:
    """Published files of one of the two datasets.

    Attributes:
        published: name, folder and required files.
        files: split → its files.
        names: file and key of the class names.
        label: key of the labels.
    """

    published: Published
    files: Mapping[str, tuple[str, ...]]
    names: tuple[str, str]
    label: str


TEN = Pickles(
    published=Published(
        "cifar10", "cifar-10-batches-py", ("batches.meta", "test_batch"), "CIFAR10"
    ),
    files=MappingProxyType(
        {"train": tuple(f"data_batch_{n}" for n in range(1, 6)), "heldout": ("test_batch",)}
    ),
    names=("batches.meta", "label_names"),
    label="labels",
)
HUNDRED = Pickles(
    published=Published("cifar100", "cifar-100-python", ("meta", "train", "test"), "CIFAR100"),
    files=MappingProxyType({"train": ("train",), "heldout": ("test",)}),
    names=("meta", "fine_label_names"),
    label="fine_labels",
)


class Params(PublishedParams):
    """Number of classes.

    Attributes:
        classes: 10, or 100 with the fine labels.
    """

    classes: Literal[10, 100] = Field(default=10)


def recognises(params: Params, folder: Path) -> bool:
    """Whether a folder contains the pickle files, or class folders with all 60,000 images."""
    if _pickles(params).published.within(folder) is not None:
        return True
    return _foldered(params, folder) and _complete(folder)


def open(params: Params, *, split: str, folder: Path | None) -> ArrayImages | ImageFiles:  # noqa: A001 - the contract's name
    """Open one split, ``train`` or ``heldout`` (the published test set).

    Raises:
        EqspecError: when files are missing, cannot be downloaded, or are damaged.
    """
    pickles = _pickles(params)
    known_split(split, dataset=pickles.published.card)
    if folder is not None and _foldered(params, folder):
        return _from_folder(folder, split)
    root = pickles.published.find(folder, download=params.download)
    batches = [_unpickled(root / name) for name in pickles.files[split]]
    file, key = pickles.names
    rows = np.concatenate([np.asarray(batch["data"], dtype=np.uint8) for batch in batches])
    return ArrayImages(
        # Stored with the channel axis first.
        pixels=np.ascontiguousarray(rows.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)),
        labels=np.concatenate([np.array(b[pickles.label], dtype=np.int64) for b in batches]),
        classes=tuple(_unpickled(root / file)[key]),
    )


def _pickles(params: Params) -> Pickles:
    return TEN if params.classes == 10 else HUNDRED


def _foldered(params: Params, folder: Path) -> bool:
    splits = [_classes(folder / name) for name in ("train", "test")]
    return all(len(found) == params.classes for found in splits) and splits[0] == splits[1]


def _complete(folder: Path) -> bool:
    return all(
        sum(1 for _ in images_below(folder / name)) == count for name, count in COUNTS.items()
    )


def _classes(folder: Path) -> list[str]:
    return list(folders_in(folder)) if folder.is_dir() else []


def _from_folder(folder: Path, split: str) -> ImageFiles:
    root = folder / ("train" if split == "train" else "test")
    files = sorted(images_below(root))
    entries = ((f, f.partition("/")[0]) for f in files)
    return labelled(root, entries, classes=_classes(root), walked=True)


class _OnlyArrays(pickle.Unpickler):
    """Unpickler that rebuilds numpy arrays and refuses every other global name."""

    def find_class(self, module_name: str, global_name: str) -> object:
        """Return the object of a global name in the pickle."""
        known = {
            ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
            ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
        }
        if (module_name, global_name) not in known:
            raise pickle.UnpicklingError(f"it refers to {module_name}.{global_name}")
        return known[module_name, global_name]


def _unpickled(path: Path) -> dict[str, Any]:
    """Read a published file; it was written by Python 2, so its strings are Latin-1.

    Raises:
        EqspecError: when it is missing or damaged, or has content other than arrays, lists and
            strings.
    """
    try:
        with regular(path).open("rb") as file:
            return _OnlyArrays(file, encoding="latin1").load()
    except (OSError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError) as error:
        message = f"cannot read {path}: {error}"
        raise EqspecError(message, help="download the dataset again") from error
