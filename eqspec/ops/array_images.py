"""Images of one size that are all in memory. Free of torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ArrayImages:
    """The images of one split.

    Attributes:
        pixels: RGB, `[n, H, W, 3]` uint8.
        labels: index into `classes`, `[n]`, or None without classes.
        classes: names of the classes; empty without.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    labels: NDArray[np.int64] | None = field(default=None, repr=False)
    classes: tuple[str, ...] = ()

    @property
    def sources(self) -> NDArray[np.int64]:
        """Every image is its own source, `[n]`."""
        return np.arange(len(self), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.pixels)

    def image(self, i: int) -> NDArray[np.uint8]:
        """Return image i, `[H, W, 3]`."""
        return self.pixels[i]

    @property
    def fingerprint_scope(self) -> str:
        """Description of the fingerprint's scope."""
        return f"content of all {len(self):,} images"

    def fingerprint(self) -> str:
        """Return a hash over all pixels and labels."""
        digest = hashlib.sha256(np.ascontiguousarray(self.pixels).tobytes())
        if self.labels is not None:
            digest.update(self.labels.tobytes())
        return digest.hexdigest()
