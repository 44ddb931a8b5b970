"""Interface of datasets of objects with several stored views and their latents.

The pair of views and the transformation between them are read from the data instead of being drawn.
The latents of a view are L numbers, such as pose, light and colours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class StoredView:
    """One view of an object.

    Attributes:
        image: RGB, `[H, W, 3]`.
        latents: `[L]`, finite.
    """

    image: NDArray[np.uint8] = field(repr=False)
    latents: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StoredPair:
    """Two views of one object.

    Attributes:
        images: RGB, `[H, W, 3]` each.
        latents: `[2, L]`, in the order of the images.
    """

    images: tuple[NDArray[np.uint8], NDArray[np.uint8]] = field(repr=False)
    latents: NDArray[np.float64]

    @classmethod
    def of(cls, first: StoredView, second: StoredView) -> StoredPair:
        """Return the pair of two views."""
        return cls((first.image, second.image), np.stack([first.latents, second.latents]))


@runtime_checkable
class StoredViews(Protocol):
    """Dataset with stored views, as returned by the `open` of such an op.

    The op declares the number of latents per view at module level: `stored_latents(params) -> int`.
    Used as an ordinary dataset, it has one image per object: `image(i)` is `view(i, 0)`.
    """

    @property
    def views(self) -> int:
        """Number of views per object, at least two."""
        ...

    def view(self, i: int, k: int) -> StoredView:
        """Return view k of object i.

        Raises:
            UnreadableImage: its image or its latents are missing or damaged.
        """
        ...
