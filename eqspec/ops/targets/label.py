"""The class of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eqspec.ops.targets.kinds import LABELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from eqspec.ops.targets.geometry import Geometry
    from eqspec.ops.targets.kinds import TargetType


@dataclass(frozen=True, slots=True)
class Label:
    """The class of a whole image, which no geometry changes.

    Attributes:
        index: number of the class, from 0.
    """

    index: int

    def moved(self, geometry: Geometry) -> Label:  # noqa: ARG002 - the contract of targets
        """Return the target of the image after a geometry: the same."""
        return self

    def arrays(self, of: TargetType) -> Mapping[str, NDArray[np.generic]]:  # noqa: ARG002 - the contract of targets
        """Return the arrays of one image by stream, see `TargetType.streams`."""
        return {LABELS: np.array(self.index, np.int64)}
