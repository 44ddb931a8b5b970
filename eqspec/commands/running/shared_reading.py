"""What the processes of a training have read of its images, brought together before it is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from eqspec.build.parallel.strategy import Strategy
    from eqspec.ops.tolerant import Tolerant


def share_reading(train: Tolerant, *, strategy: Strategy) -> None:
    """Add to each process's record the images that the others have read or found damaged.

    Every process calls this. Each reads only its own share of a batch.

    Raises:
        LostImage: two of them have read an image with different content.
        TooManyUnreadable: together they have met more damaged images than allowed.
    """
    watched = train.watched
    if watched is None or strategy.world.size == 1:
        return
    mine = watched.reading(np.flatnonzero(watched.trained).tolist())
    for reading, unreadable in strategy.collect((mine, dict(train.unreadable))):
        watched.take(reading)
        train.add_unreadable(unreadable)
