"""Named points of the objects of an image, such as the joints of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.ops.targets.geometry import Geometry
    from eqspec.ops.targets.kinds import TargetType

ABSENT, HIDDEN, VISIBLE = 0, 1, 2
"""States of a point, as in COCO: without a place; occluded, with a place; visible."""


@dataclass(frozen=True, slots=True)
class Keypoints:
    """K points of each of n objects.

    Attributes:
        points: x and y in pixels, float64 `[n, K, 2]`; 0 where absent.
        states: `ABSENT`, `HIDDEN` or `VISIBLE`, int64 `[n, K]`.
        partners: number of each point's partner on the other side of the body; its own without one.
    """

    points: NDArray[np.float64] = field(repr=False)
    states: NDArray[np.int64] = field(repr=False)
    partners: tuple[int, ...]

    def __post_init__(self) -> None:
        back = [self.partners[at] for at in self.partners]
        assert back == [*range(len(self.partners))], "partners are each other's"

    @classmethod
    def of_coco(
        cls, keypoints: Sequence[Sequence[float]], *, partners: tuple[int, ...]
    ) -> Keypoints:
        """Return the points of COCO's lists (x, y, state, x, …), one for each object."""
        flat = np.array(keypoints, np.float64).reshape(len(keypoints), len(partners), 3)
        states = flat[..., 2].astype(np.int64)
        return cls(flat[..., :2] * (states > ABSENT)[..., None], states, partners)

    def moved(self, geometry: Geometry) -> Keypoints:
        """Return the points after a geometry: those outside the frame are absent.

        Where it exchanges left and right, so are the names of the points.
        """
        points = geometry.points(self.points)
        states = np.where(geometry.contains(points), self.states, ABSENT)
        points = np.where((states > ABSENT)[..., None], points, 0.0)
        if geometry.mirrored:
            order = list(self.partners)
            points, states = points[:, order], states[:, order]
        return replace(self, points=points, states=states)

    def arrays(self, of: TargetType) -> Mapping[str, NDArray[np.generic]]:
        """Return the arrays of one image by stream, see `TargetType.streams`."""
        return {
            "keypoints": of.padded(self.points.astype(np.float32)),
            "keypoints.states": of.padded(self.states),
            "keypoints.present": of.present(len(self.points)),
        }
