"""Image files → 8-bit RGB: the one place where a file's bytes become pixels. Free of torch.

Whatever was stored, `[H, W, 3]` uint8 comes out: turned upright as the EXIF data say; CMYK,
palette, gray and 16-bit images converted; an alpha channel dropped. Which decoder that was, with
its version, is part of every result: `decoder`.
"""

from __future__ import annotations

import errno
import io
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eqspec.errors import EqspecError
from eqspec.regular_files import regular

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image


_OF_THE_MACHINE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE})
"""What keeps an image that may be whole from being read."""


class UnreadableImage(EqspecError):
    """One image of a dataset is damaged, missing, or no image; the message names it."""

    def __init__(self, name: str, reason: object) -> None:
        super().__init__(f"cannot read the image {name}: {reason}", help="repair or remove it")
        self.name = name
        self.reason = str(reason)

    def __reduce__(self) -> tuple[type[UnreadableImage], tuple[str, str]]:
        return type(self), (self.name, self.reason)


def decode(image: Path | bytes, *, name: str | None = None) -> NDArray[np.uint8]:
    """An image as 8-bit RGB, `[H, W, 3]`.

    Args:
        image: a file, or the bytes of one.
        name: what to call it in a message; the file's path by default.

    Raises:
        UnreadableImage: it is missing, damaged, or no image.
        EqspecError: this machine cannot read it now. That is no property of the data: an image
            replaced for it would make another run of the same recipe.
    """
    from PIL import Image, ImageOps

    try:
        file = io.BytesIO(image) if isinstance(image, bytes) else regular(image)
        with Image.open(file) as opened:
            ImageOps.exif_transpose(opened, in_place=True)
            return np.asarray(_to_rgb(opened))
    except Exception as error:  # damage shows as OSError, ValueError, SyntaxError, struct.error, …
        called = name or (str(image) if isinstance(image, Path) else "without a name")
        raise blamed(error, image=called) from error


def blamed(error: Exception, *, image: str, part: str = "") -> EqspecError:
    """What to raise where an image could not be read: it is damaged, or the machine is at a loss.

    Args:
        error: that stopped the reading.
        image: what to call it.
        part: of what is stored with the image, where that alone could not be read.
    """
    if isinstance(error, MemoryError) or getattr(error, "errno", None) in _OF_THE_MACHINE:
        advice = "nothing says that the image is damaged; the same command goes on"
        return EqspecError(f"this machine cannot read the image {image} now: {error}", help=advice)
    return UnreadableImage(image, f"{part}: {error}" if part else error)


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


def decoder() -> str:
    """Pillow and the JPEG library under it: pixels, and so accuracies, differ between them."""
    from PIL import features

    library = "libjpeg-turbo" if features.check_feature("libjpeg_turbo") else "libjpeg"
    version = features.version_feature("libjpeg_turbo") or features.version_codec("jpg")
    return f"pillow {metadata.version('pillow')}, {library} {version}"
