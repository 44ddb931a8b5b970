"""Targets of the frames of a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from eqspec.ops.targets.boxes import Boxes
    from eqspec.ops.targets.depth import Depth
    from eqspec.ops.targets.geometry import Geometry
    from eqspec.ops.targets.keypoints import Keypoints
    from eqspec.ops.targets.kinds import TargetType
    from eqspec.ops.targets.label import Label
    from eqspec.ops.targets.mask import Mask


@dataclass(frozen=True, slots=True)
class Clip:
    """The targets of consecutive frames, all of one type.

    Attributes:
        frames: in order of time.
    """

    frames: tuple[Label | Mask | Boxes | Keypoints | Depth, ...]

    def __post_init__(self) -> None:
        assert len({type(frame) for frame in self.frames}) == 1, "frames have targets of one type"

    def moved(self, geometry: Geometry) -> Clip:
        """Return the targets after the same geometry of every frame."""
        return Clip(tuple(frame.moved(geometry) for frame in self.frames))

    def arrays(self, of: TargetType) -> Mapping[str, NDArray[np.generic]]:
        """Return the arrays of one image by stream, see `TargetType.streams`."""
        each = [frame.arrays(of) for frame in self.frames]
        return {name: np.stack([arrays[name] for arrays in each]) for name in each[0]}
