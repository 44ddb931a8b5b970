"""Targets of a batch of images as arrays, one for each stream.

Numbers of objects differ from image to image; arrays have as many places as the dataset's op
declares, and `….present` tells which are taken, so that shapes are known before training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from eqspec.ops.targets.kinds import TargetType
    from eqspec.ops.targets.union import Target


def collate(targets: Sequence[Target], *, of: TargetType) -> Mapping[str, NDArray[np.generic]]:
    """Return the arrays of a batch by stream, with the types of `of.streams`.

    Args:
        targets: of images of one size, in the order of the batch.
        of: their type.
    """
    each = [target.arrays(of) for target in targets]
    return {name: np.stack([arrays[name] for arrays in each]) for name in each[0]}
