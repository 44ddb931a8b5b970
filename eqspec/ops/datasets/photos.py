"""Tiles of everyday colour photographs that ship in the scikit-image and scikit-learn wheels.

Nothing is downloaded and neither package is imported: only their folders are looked up. A dataset
image is a square tile of a photograph, so that a crop of it to 32 px is minified, which JPEG's
8×8 grid does not survive.

Train and held-out photographs show different scenes; both halves of the stereo pair are on the
training side. Left out, after looking at every picture in the wheels: gray images, microscopy
(`ihc`, `cell`), the fundus photograph (`retina`), the sky survey (`hubble_deep_field`), and
drawings and test patterns (`color`, `logo`, `horse`, `chessboard_RGB`, `phantom`, `page`).
Licences and checksums stand on the card `registry/datasets/photos.yaml`.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from eqspec.errors import EqspecError, UsageError
from eqspec.ops.decode import LostImage, decode
from eqspec.ops.op import DatasetParams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

rev = 1
in_memory = True  # nothing is gained by reading ahead
needs_folder = False
sample_unit, source_unit = "crop", "photo"

PHOTOGRAPHS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "train": (
            "skimage/data/astronaut.png",
            "skimage/data/motorcycle_left.png",
            "skimage/data/motorcycle_right.png",
            "skimage/data/rocket.jpg",
            "sklearn/datasets/images/flower.jpg",
        ),
        "heldout": (
            "skimage/data/coffee.png",
            "skimage/data/chelsea.png",
            "sklearn/datasets/images/china.jpg",
        ),
    }
)
"""Split -> photographs, each as ``package/path inside the package``."""


class Params(DatasetParams):
    """How a photograph is cut.

    Attributes:
        tile: side of a tile in pixels.
        stride: pixels between the corners of neighbouring tiles.
    """

    tile: int = Field(default=128, gt=0)
    stride: int = Field(default=32, gt=0)


class Photos:
    """Tiles of the photographs of one split, in reading order, photograph after photograph.

    Attributes:
        labels: None, photographs have no classes.
        sources: [n], index of the photograph that each tile is cut from.
    """

    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()

    def __init__(self, paths: tuple[Path, ...], *, params: Params) -> None:
        self._paths = paths
        self._params = params
        rows = [row for photo, path in enumerate(paths) for row in _corners(photo, path, params)]
        self._corners = np.array(rows, dtype=np.int64)
        self.sources: NDArray[np.int64] = self._corners[:, 0]

    def __len__(self) -> int:
        return len(self._corners)

    @cached_property
    def _pixels(self) -> tuple[NDArray[np.uint8], ...]:
        return tuple(_decode(path) for path in self._paths)

    def image(self, i: int) -> NDArray[np.uint8]:
        """Tile i, `[tile, tile, 3]` RGB: a read-only view of the photograph."""
        photo, top, left = self._corners[i].tolist()
        side = self._params.tile
        return self._pixels[photo][top : top + side, left : left + side]

    @property
    def looked_at(self) -> str:
        """What the fingerprint is taken of."""
        return f"content of all {len(self._paths)} photographs, cut into {len(self):,} tiles"

    def fingerprint(self) -> str:
        """Hash over the photographs' files, their order, and how they are cut."""
        cut = self._params.model_dump_json(include={"tile", "stride"})
        digest = hashlib.sha256(cut.encode())
        for path in self._paths:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def image_size(params: Params) -> tuple[int, int]:
    """Width and height of every image."""
    return params.tile, params.tile


def recognises(_params: Params, _folder: Path) -> bool:
    """No folder holds the photographs: they come with packages."""
    return False


def open(params: Params, *, split: str, folder: Path | None = None) -> Photos:  # noqa: A001 - the contract's name
    """The tiles of one split, ``train`` or ``heldout``.

    Raises:
        EqspecError: a package or a photograph is missing, the split is unknown, a folder is given
            (there is none to read), or a tile is larger than a photograph.
    """
    if folder is not None:
        msg = f"the photographs come with installed packages, but a folder was given: {folder}"
        raise UsageError(msg, help="to train on any folder of images: --data DIR")
    if split not in PHOTOGRAPHS:
        msg = f"the photographs have no split `{split}`"
        raise EqspecError(msg, help=f"their splits are {', '.join(PHOTOGRAPHS)}")
    return Photos(tuple(locate(name) for name in PHOTOGRAPHS[split]), params=params)


def locate(name: str) -> Path:
    """Where a photograph lies, given as ``package/path``; the package is not imported.

    Raises:
        EqspecError: the package is not installed or has no such file.
    """
    package, _, inside = name.partition("/")
    remedy = "pip install 'eqspec[photos]'"
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        msg = f"the photographs need the package `{package}`, which is not installed"
        raise EqspecError(msg, help=remedy)
    path = Path(spec.submodule_search_locations[0], inside)
    if not path.is_file():
        msg = f"the installed package `{package}` has no photograph at {path}"
        raise EqspecError(msg, help=remedy)
    return path


def _corners(photo: int, path: Path, params: Params) -> list[tuple[int, int, int]]:
    """(photo, top, left) of every tile that lies inside a photograph."""
    from PIL import Image

    with Image.open(path) as image:
        width, height = image.size
    tile, stride = params.tile, params.stride
    if tile > min(width, height):
        msg = f"a tile of {tile} px does not fit into {path.name}, which is {width}×{height}"
        raise EqspecError(msg, help=f"choose `tile` at most {min(width, height)}")
    tops, lefts = range(0, height - tile + 1, stride), range(0, width - tile + 1, stride)
    return [(photo, top, left) for top in tops for left in lefts]


def _decode(path: Path) -> NDArray[np.uint8]:
    """The pixels of a photograph that was there when the dataset was opened.

    Raises:
        LostImage: it is not there any more.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"a photograph that was there is gone: {path}: {error.strerror or error}"
        raise LostImage(message, help="install it again, and give the same command") from error
    pixels = decode(content, name=str(path))
    pixels.flags.writeable = False
    return pixels
