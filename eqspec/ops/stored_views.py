"""Datasets whose samples are objects, each seen in several stored views with what it was made from.

Such data give the pair of views and what lies between them: both are read, neither is drawn from a
range. L numbers per view are its latents: pose, light, colours.
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
        """The pair of two views."""
        return cls((first.image, second.image), np.stack([first.latents, second.latents]))


@runtime_checkable
class StoredViews(Protocol):
    """What the `open` of a dataset op with stored views returns, beside what every dataset has.

    The op states at module level how many latents a view has: `stored_latents(params) -> int`. As
    an ordinary dataset it has an image per object, its first view: `image(i)` is `view(i, 0)`.
    """

    @property
    def views(self) -> int:
        """Views of each object, two at least."""
        ...

    def view(self, i: int, k: int) -> StoredView:
        """View k of object i.

        Raises:
            UnreadableImage: its image or its latents are missing or damaged.
        """
        ...
