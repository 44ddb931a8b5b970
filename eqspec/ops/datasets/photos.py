"""Tiles of colour photographs that come with scikit-image and scikit-learn.

Nothing is downloaded, and neither package is imported: only their folders are located. A dataset
image is a square tile of a photograph, so that a crop is downsampled to 32 px, which removes the
8×8 block grid of JPEG.

Training and held-out photographs show different scenes; both images of the stereo pair are in the
training split. Other images of the packages are not used: gray images, microscopy (`ihc`, `cell`),
the fundus photograph (`retina`), the sky survey (`hubble_deep_field`), and drawings and test
patterns (`color`, `logo`, `horse`, `chessboard_RGB`, `phantom`, `page`). The card
`registry/datasets/photos.yaml` states the licences.
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
in_memory = True  # reading ahead would gain nothing
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
    """Size and distance of tiles.

    Attributes:
        tile: side of a tile in pixels.
        stride: pixels between the corners of neighbouring tiles.
    """

    tile: int = Field(default=128, gt=0)
    stride: int = Field(default=32, gt=0)


class Photos:
    """Tiles of the photographs of one split, in reading order, one photograph after another.

    Attributes:
        labels: None, as photographs have no classes.
        sources: [n], index of the photograph of each tile.
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
        """Return tile i as RGB, `[tile, tile, 3]`, a read-only view of the photograph."""
        photo, top, left = self._corners[i].tolist()
        side = self._params.tile
        return self._pixels[photo][top : top + side, left : left + side]

    @property
    def fingerprint_scope(self) -> str:
        """Description of what the fingerprint covers."""
        return f"content of all {len(self._paths)} photographs, cut into {len(self):,} tiles"

    def fingerprint(self) -> str:
        """Return a hash of the files, their order, and the size and distance of tiles."""
        cut = self._params.model_dump_json(include={"tile", "stride"})
        digest = hashlib.sha256(cut.encode())
        for path in self._paths:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def image_size(params: Params) -> tuple[int, int]:
    """Return the width and height of every image."""
    return params.tile, params.tile


def recognises(_params: Params, _folder: Path) -> bool:
    """Always false: the photographs are in installed packages, not in a folder."""
    return False


def open(params: Params, *, split: str, folder: Path | None = None) -> Photos:  # noqa: A001 - the contract's name
    """Open one split, ``train`` or ``heldout``.

    Raises:
        EqspecError: when a package or a photograph is missing, the split is unknown, a folder is
            given, or a tile is larger than a photograph.
    """
    if folder is not None:
        msg = f"the photographs are in installed packages, so no folder can be given: {folder}"
        raise UsageError(msg, help="to train on any folder of images: --data DIR")
    if split not in PHOTOGRAPHS:
        msg = f"the photographs have no split `{split}`"
        raise EqspecError(msg, help=f"their splits are {', '.join(PHOTOGRAPHS)}")
    return Photos(tuple(locate(name) for name in PHOTOGRAPHS[split]), params=params)


def locate(name: str) -> Path:
    """Return the path of a photograph ``package/path`` without importing the package.

    Raises:
        EqspecError: when the package is not installed or has no such file.
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
    """Return (photo, top, left) of every tile inside a photograph."""
    from PIL import Image

    with Image.open(path) as image:
        width, height = image.size
    tile, stride = params.tile, params.stride
    if tile > min(width, height):
        msg = f"a tile of {tile} px does not fit into {path.name}, which is {width}×{height}"
        raise EqspecError(msg, help=f"set `tile` to at most {min(width, height)}")
    tops, lefts = range(0, height - tile + 1, stride), range(0, width - tile + 1, stride)
    return [(photo, top, left) for top in tops for left in lefts]


def _decode(path: Path) -> NDArray[np.uint8]:
    """Read the pixels of a photograph.

    Raises:
        LostImage: when it was deleted since the dataset was opened.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"a photograph was deleted while in use: {path}: {error.strerror or error}"
        raise LostImage(message, help="install the package again and repeat the command") from error
    pixels = decode(content, name=str(path))
    pixels.flags.writeable = False
    return pixels
