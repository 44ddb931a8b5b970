"""The relation between two images of a plane."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from eqspec.ops.targets.geometry import Geometry
    from eqspec.ops.targets.kinds import TargetType


@dataclass(frozen=True, slots=True)
class Pair:
    """Where the points of one image lie in another.

    Attributes:
        homography: (x, y, 1) of the first image to the second, float64 `[3, 3]`.
    """

    homography: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of_corners(cls, first: NDArray[np.float64], second: NDArray[np.float64]) -> Pair:
        """Return the relation that maps four corners `[4, 2]` to four others."""
        rows: list[list[float]] = []
        for (x, y), (u, v) in zip(first.tolist(), second.tolist(), strict=True):
            rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        found = np.linalg.solve(np.array(rows, np.float64), second.reshape(8).astype(np.float64))
        return cls(np.append(found, 1.0).reshape(3, 3))

    def moved(self, geometry: Geometry) -> Pair:
        """Return the relation after a geometry of both images."""
        return self.first_moved(geometry).second_moved(geometry)

    def first_moved(self, geometry: Geometry) -> Pair:
        """Return the relation after a geometry of the first image."""
        return replace(self, homography=self.homography @ np.linalg.inv(geometry.matrix))

    def second_moved(self, geometry: Geometry) -> Pair:
        """Return the relation after a geometry of the second image."""
        return replace(self, homography=geometry.matrix @ self.homography)

    def arrays(self, of: TargetType) -> Mapping[str, NDArray[np.generic]]:  # noqa: ARG002 - the contract of targets
        """Return the arrays of one image by stream, see `TargetType.streams`."""
        return {"homography": self.homography.astype(np.float32)}
