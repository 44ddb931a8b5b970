"""Image files → 8-bit RGB: the one place where a file's bytes become pixels. Free of torch.

Whatever was stored, `[H, W, 3]` uint8 comes out: turned upright as the EXIF data say; CMYK,
palette, gray and 16-bit images converted; an alpha channel dropped. Which decoder that was, with
its version, is part of every result: `decoder`.
"""

from __future__ import annotations

import errno
import io
import threading
import warnings
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eqspec.errors import EqspecError
from eqspec.regular_files import regular

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image


FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is opened, by Pillow's names. Anything else is refused whatever its file is called: Pillow
hands EPS, for example, to Ghostscript."""

_OF_THE_MACHINE = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EIO,
        errno.ESTALE,
        errno.EACCES,
        errno.EPERM,
    }
)
"""What keeps an image that may be whole from being read."""

_WARNINGS = threading.Lock()
"""Python keeps one list of warning filters per process: one thread at a time may change it."""


class UnreadableImage(EqspecError):
    """One image of a dataset is damaged or no image; the message names it."""

    def __init__(self, name: str, reason: object) -> None:
        super().__init__(f"cannot read the image {name}: {reason}", help="repair or remove it")
        self.name = name
        self.reason = str(reason)

    def __reduce__(self) -> tuple[type[UnreadableImage], tuple[str, str]]:
        return type(self), (self.name, self.reason)


class LostImage(EqspecError):
    """An image that may be whole cannot be read now: its file is gone, has changed, or is refused.

    Nothing stands for such an image: another one would make another run of the same recipe.
    """


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image, and what the decoder found odd about its file.

    Attributes:
        pixels: 8-bit RGB, `[H, W, 3]`.
        remark: the decoder's warnings; empty where there were none.
        latents: what is stored with it; None where nothing is.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    remark: str = ""
    latents: NDArray[np.float64] | None = field(default=None, repr=False)


def decode(image: Path | bytes, *, name: str | None = None) -> NDArray[np.uint8]:
    """An image as 8-bit RGB, `[H, W, 3]`; see `decoded`."""
    return decoded(image, name=name).pixels


def decoded(image: Path | bytes, *, name: str | None = None) -> Decoded:
    """An image with the decoder's warnings, none of which reaches the screen by itself.

    Args:
        image: a file, or the bytes of one.
        name: what to call it in a message; the file's path by default.

    Raises:
        UnreadableImage: it is missing, damaged, too large, or no image.
        LostImage: this machine cannot read it now.
    """
    try:
        content = image if isinstance(image, bytes) else regular(image).read_bytes()
        upright, remark = _upright(content)
        return Decoded(np.asarray(_to_rgb(upright)), remark)
    except Exception as error:  # damage shows as OSError, ValueError, SyntaxError, struct.error, …
        called = name or (str(image) if isinstance(image, Path) else "without a name")
        raise blamed(error, image=called) from error


def _upright(content: bytes) -> tuple[Image.Image, str]:
    """The image of a file, turned as its EXIF data say, and what Pillow warned of."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    with _WARNINGS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            opened = Image.open(io.BytesIO(content), formats=FORMATS)
        except UnidentifiedImageError:
            raise ValueError(f"it is none of {', '.join(FORMATS)}") from None
        except Image.DecompressionBombError:
            raise ValueError("it has more pixels than Pillow takes for an honest image") from None
        ImageOps.exif_transpose(opened, in_place=True)
    said = (str(warning.message).strip() for warning in caught)
    return opened, "; ".join(dict.fromkeys(" ".join(text.split()) for text in said))


def blamed(error: Exception, *, image: str, part: str = "") -> EqspecError:
    """What to raise where an image could not be read: it is damaged, or the machine is at a loss.

    Args:
        error: that stopped the reading.
        image: what to call it.
        part: of what is stored with the image, where that alone could not be read.
    """
    if isinstance(error, MemoryError) or getattr(error, "errno", None) in _OF_THE_MACHINE:
        advice = "nothing says that the image is damaged; the same command goes on"
        return LostImage(f"this machine cannot read the image {image} now: {error}", help=advice)
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
