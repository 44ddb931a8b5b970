"""Decoding of image files to 8-bit RGB; all image files are decoded here. Free of torch.

The result is always uint8 `[H, W, 3]`: turned upright according to the EXIF data, with CMYK,
palette, gray and 16-bit images converted and an alpha channel dropped. The decoder and its version
are part of every result: `decoder`.
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
"""Supported formats, by Pillow's names. Others are refused, regardless of the file's suffix: Pillow
would pass EPS, for example, to Ghostscript."""

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
"""Errors of the machine, which do not indicate a damaged image."""

_WARNINGS = threading.Lock()
"""Python keeps one list of warning filters per process: one thread at a time may change it."""


class UnreadableImage(EqspecError):
    """A file of a dataset is damaged or not an image; the message names it."""

    def __init__(self, name: str, reason: object) -> None:
        super().__init__(f"cannot read the image {name}: {reason}", help="repair or remove it")
        self.name = name
        self.reason = str(reason)

    def __reduce__(self) -> tuple[type[UnreadableImage], tuple[str, str]]:
        return type(self), (self.name, self.reason)


class LostImage(EqspecError):
    """A possibly intact image cannot be read: its file is missing, has changed, or is not readable.

    Such an image is not replaced: a replacement would change the results of the recipe.
    """


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded image, with the decoder's warnings.

    Attributes:
        pixels: 8-bit RGB, `[H, W, 3]`.
        remark: the decoder's warnings; empty if there were none.
        latents: the latents stored with the image; None without.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    remark: str = ""
    latents: NDArray[np.float64] | None = field(default=None, repr=False)


def decode(image: Path | bytes, *, name: str | None = None) -> NDArray[np.uint8]:
    """Return an image as 8-bit RGB, `[H, W, 3]`; see `decoded`."""
    return decoded(image, name=name).pixels


def decoded(image: Path | bytes, *, name: str | None = None) -> Decoded:
    """Return an image with the decoder's warnings, which are not printed.

    Args:
        image: a file, or the bytes of one.
        name: its name in messages; the file's path by default.

    Raises:
        UnreadableImage: it is missing, damaged, too large, or not an image.
        LostImage: this machine cannot read it at present.
    """
    try:
        content = image if isinstance(image, bytes) else regular(image).read_bytes()
        upright, remark = _upright(content)
        return Decoded(np.asarray(_to_rgb(upright)), remark)
    except Exception as error:  # damage shows as OSError, ValueError, SyntaxError, struct.error, …
        called = name or (str(image) if isinstance(image, Path) else "without a name")
        raise blamed(error, image=called) from error


def _upright(content: bytes) -> tuple[Image.Image, str]:
    """Return the image of a file, turned according to its EXIF data, and Pillow's warnings."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    with _WARNINGS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            opened = Image.open(io.BytesIO(content), formats=FORMATS)
        except UnidentifiedImageError:
            raise ValueError(f"not in one of the formats {', '.join(FORMATS)}") from None
        except Image.DecompressionBombError:
            raise ValueError("more pixels than Pillow's limit against zip bombs") from None
        ImageOps.exif_transpose(opened, in_place=True)
    texts = (str(warning.message).strip() for warning in caught)
    return opened, "; ".join(dict.fromkeys(" ".join(text.split()) for text in texts))


def blamed(error: Exception, *, image: str, part: str = "") -> EqspecError:
    """Return the error for an unreadable image; `LostImage` if the machine is the cause.

    Args:
        error: the original error.
        image: name of the image in the message.
        part: name of the data stored with the image, if only these could not be read.
    """
    reason: object = error
    if isinstance(error, OSError) and error.strerror:  # its own text repeats the path
        reason = error.strerror
    if isinstance(error, MemoryError) or getattr(error, "errno", None) in _OF_THE_MACHINE:
        advice = "the image may be intact; run the same command again, it continues"
        return LostImage(f"this machine cannot read the image {image}: {reason}", help=advice)
    return UnreadableImage(image, f"{part}: {reason}" if part else reason)


def _to_rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I"):
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    if image.mode == "F":
        raise ValueError("float pixels, which have no fixed range")
    if "transparency" in image.info:
        image = image.convert("RGBA")
    return image.convert("RGB")


def _eight_bits(pixels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Round 16-bit gray levels to the nearest of 256."""
    wide = pixels.astype(np.int64)
    if wide.min() < 0 or wide.max() > 0xFFFF:
        raise ValueError("pixels of more than 16 bits")
    return ((wide * 0xFF + 0x7FFF) // 0xFFFF).astype(np.uint8)


def decoder() -> str:
    """Return the versions of Pillow and its JPEG library; pixels and accuracies depend on them."""
    from PIL import features

    library = "libjpeg-turbo" if features.check_feature("libjpeg_turbo") else "libjpeg"
    version = features.version_feature("libjpeg_turbo") or features.version_codec("jpg")
    return f"pillow {metadata.version('pillow')}, {library} {version}"
