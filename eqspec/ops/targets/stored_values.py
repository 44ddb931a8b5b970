"""Values of images that store numbers instead of colours: masks and depths."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eqspec.ops.decode import UnreadableImage, blamed
from eqspec.regular_files import regular

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MODES = ("1", "L", "P", "I", "I;16")
"""Modes of Pillow with one number per pixel; of a palette, the number and not its colour."""


def stored_values(file: Path | bytes, *, name: str | None = None) -> NDArray[np.int64]:
    """Return the numbers of an image with one channel, `[H, W]`.

    Args:
        file: a file, or the bytes of one.
        name: its name in messages; the file's path by default.

    Raises:
        UnreadableImage: it is damaged, or has several channels.
        LostImage: this machine cannot read it at present.
    """
    import io

    from PIL import Image

    called = name or (str(file) if isinstance(file, Path) else "without a name")
    try:
        content = file if isinstance(file, bytes) else regular(file).read_bytes()
        with Image.open(io.BytesIO(content), formats=("PNG", "TIFF", "BMP")) as image:
            mode = image.mode
            values = np.asarray(image).astype(np.int64)
    except Exception as error:  # damage shows as OSError, ValueError, SyntaxError, struct.error, …
        raise blamed(error, image=called) from error
    if mode not in _MODES:
        reason = f"it has the mode {mode}, and values are stored in one channel"
        raise UnreadableImage(called, reason)
    return values
