"""CIFAR-10 and CIFAR-100: 60,000 images of 32 px, 10,000 of them held out.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. Read from the published
pickles, which are opened by a reader that knows arrays and nothing else; or from an image folder,
`train/<class>/…` and `test/<class>/…`, whose pixels are those of its files.
"""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from eqspec.errors import EqspecError
from eqspec.ops.folder_walk import folders_in, images_below
from eqspec.ops.image_files import ImageFiles, known_split, labelled
from eqspec.ops.published import Published, PublishedParams
from eqspec.regular_files import regular

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

rev = 1
in_memory = True  # nothing is gained by reading ahead
needs_folder = True

SIDE = 32

COUNTS = MappingProxyType({"train": 50_000, "test": 10_000})
"""Images in each folder of the image-folder layout."""


@dataclass(frozen=True, slots=True)
class Pickles:
    """How one of the two is published.

    Attributes:
        files: split → its files.
        names: file and key of the names of the classes.
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
    """Which of the two.

    Attributes:
        classes: 10, or the 100 fine ones.
    """

    classes: Literal[10, 100] = Field(default=10)


@dataclass(frozen=True, slots=True)
class Cifar:
    """The images of one split, in memory.

    Attributes:
        pixels: [n, 32, 32, 3] uint8.
        labels: [n], index into `classes`.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    classes: tuple[str, ...]

    @property
    def sources(self) -> NDArray[np.int64]:
        """[n], every image is a source of its own."""
        return np.arange(len(self), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.pixels)

    def image(self, i: int) -> NDArray[np.uint8]:
        """Image i as 8-bit RGB, `[32, 32, 3]`."""
        return self.pixels[i]

    @property
    def looked_at(self) -> str:
        """What the fingerprint is taken of."""
        return f"content of all {len(self):,} images"

    def fingerprint(self) -> str:
        """Hash over all pixels and labels."""
        digest = hashlib.sha256(self.pixels.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()


def recognises(params: Params, folder: Path) -> bool:
    """Whether a folder holds the pickles, or the classes with as many images as there are.

    Many a folder has ten classes: only all 60,000 images are taken for the dataset.
    """
    if _pickles(params).published.within(folder) is not None:
        return True
    return _foldered(params, folder) and _complete(folder)


def open(params: Params, *, split: str, folder: Path | None) -> Cifar | ImageFiles:  # noqa: A001 - the contract's name
    """The images of one split, ``train`` or ``heldout`` (the published test set).

    Raises:
        EqspecError: they are not there, cannot be fetched, or are damaged.
    """
    pickles = _pickles(params)
    known_split(split, dataset=pickles.published.card)
    if folder is not None and _foldered(params, folder):
        return _from_folder(folder, split)
    root = pickles.published.find(folder, download=params.download)
    batches = [_unpickled(root / name) for name in pickles.files[split]]
    file, key = pickles.names
    rows = np.concatenate([np.asarray(batch["data"], dtype=np.uint8) for batch in batches])
    return Cifar(
        # Stored channel after channel.
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
    return labelled(root, ((f, f.partition("/")[0]) for f in files), classes=_classes(root))


class _OnlyArrays(pickle.Unpickler):
    """Rebuilds numpy arrays, and refuses every other name that a pickle could call."""

    def find_class(self, module_name: str, global_name: str) -> object:
        """What a name in the pickle stands for."""
        known = {
            ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
            ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
        }
        if (module_name, global_name) not in known:
            raise pickle.UnpicklingError(f"it names {module_name}.{global_name}")
        return known[module_name, global_name]


def _unpickled(path: Path) -> dict[str, Any]:
    """A published file; written by Python 2, so its texts are read as Latin-1.

    Raises:
        EqspecError: it is missing or damaged, or holds anything but arrays, lists and texts.
    """
    try:
        with regular(path).open("rb") as file:
            return _OnlyArrays(file, encoding="latin1").load()
    except (OSError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError) as error:
        message = f"cannot read {path}: {error}"
        raise EqspecError(message, help="fetch the dataset again") from error
