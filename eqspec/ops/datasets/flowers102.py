"""Oxford Flowers: photographs of 102 species of flowers, ten of each in the training set.

Nilsback and Zisserman, ICVGIP 2008. The published lists are MATLAB files, which scipy reads. Some
papers train on `train` with ten images per species, others on `train` and `val` with twenty.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from eqspec.errors import EqspecError
from eqspec.ops.image_files import ImageFiles, known_split
from eqspec.ops.published import Published, PublishedParams

if TYPE_CHECKING:
    from numpy.typing import NDArray

rev = 1
needs_folder = True

PUBLISHED = Published(
    "flowers102", "flowers-102", ("jpg", "setid.mat", "imagelabels.mat"), "Flowers102"
)


class Params(PublishedParams):
    """Training images.

    Attributes:
        train: the published training set (1020 images), or also the validation set (2040).
    """

    train: Literal["train", "train+val"] = "train+val"


recognises = PUBLISHED.recognises


def open(params: Params, *, split: str, folder: Path | None) -> ImageFiles:  # noqa: A001 - the contract's name
    """Open one split, ``train`` or ``heldout`` (test); the names of the classes are numbers.

    Raises:
        EqspecError: when files are missing or cannot be downloaded, or scipy is not installed.
    """
    known_split(split, dataset="flowers102")
    root = PUBLISHED.find(folder, download=params.download)
    parts = params.train.split("+") if split == "train" else ["test"]
    lists = {"train": "trnid", "val": "valid", "test": "tstid"}
    numbers = np.concatenate([_read(root / "setid.mat", lists[part]) for part in parts])
    labels = _read(root / "imagelabels.mat", "labels") - 1
    return ImageFiles(
        root=root / "jpg",
        files=tuple(f"image_{number:05d}.jpg" for number in numbers.tolist()),
        classes=tuple(str(kind) for kind in range(1, int(labels.max()) + 2)),
        labels=labels[numbers - 1],
    )


def _read(path: Path, name: str) -> NDArray[np.int64]:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        message = "the lists of `flowers102` need the package `scipy`, which is not installed"
        raise EqspecError(message, help="pip install 'eqspec[photos]'") from error
    return np.atleast_1d(loadmat(path, squeeze_me=True)[name]).astype(np.int64)
