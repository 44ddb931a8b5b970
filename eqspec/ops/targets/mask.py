"""The class of each pixel of an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eqspec.ops.targets.stored_values import stored_values

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from eqspec.ops.targets.geometry import Geometry
    from eqspec.ops.targets.kinds import TargetType

IGNORED = -1
"""Class of pixels that are neither learned nor evaluated, such as those outside the image."""


@dataclass(frozen=True, slots=True)
class Mask:
    """A semantic segmentation.

    Attributes:
        classes: number of the class of each pixel or `IGNORED`, int32 `[H, W]`.
    """

    classes: NDArray[np.int32] = field(repr=False)

    @classmethod
    def decode(
        cls, file: Path | bytes, *, name: str | None = None, ignored: Iterable[int] = (255,)
    ) -> Mask:
        """Return the mask stored as the values of a grey or palette image.

        Args:
            file: a file, or the bytes of one.
            name: its name in messages.
            ignored: values of ignored pixels.

        Raises:
            UnreadableImage: it is damaged, or a colour image.
        """
        classes = stored_values(file, name=name).astype(np.int32)
        classes[np.isin(classes, list(ignored))] = IGNORED
        return cls(classes)

    def moved(self, geometry: Geometry) -> Mask:
        """Return the mask of the image after a geometry: nearest pixels, `IGNORED` outside."""
        return Mask(geometry.sampled(self.classes, outside=IGNORED).astype(np.int32))

    def arrays(self, of: TargetType) -> Mapping[str, NDArray[np.generic]]:  # noqa: ARG002 - the contract of targets
        """Return the arrays of one image by stream, see `TargetType.streams`."""
        return {"mask": self.classes.astype(np.int64)}
