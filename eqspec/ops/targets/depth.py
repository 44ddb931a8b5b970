"""The distance of each pixel of an image from the camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from eqspec.ops.targets.stored_values import stored_values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from eqspec.ops.targets.geometry import Geometry
    from eqspec.ops.targets.kinds import TargetType


@dataclass(frozen=True, slots=True)
class Depth:
    """A depth map.

    Attributes:
        metres: float32 `[H, W]`; 0 where it is not valid.
        valid: where there is a measurement, bool `[H, W]`.
    """

    metres: NDArray[np.float32] = field(repr=False)
    valid: NDArray[np.bool_] = field(repr=False)

    @classmethod
    def decode(cls, file: Path | bytes, *, per_metre: float, name: str | None = None) -> Depth:
        """Return the depth stored as integers, of which 0 means no measurement.

        Args:
            file: a file, or the bytes of one.
            per_metre: units of a metre, such as 1000 or 256.
            name: its name in messages.

        Raises:
            UnreadableImage: it is damaged, or a colour image.
        """
        stored = stored_values(file, name=name)
        return cls((stored / per_metre).astype(np.float32), stored > 0)

    def moved(self, geometry: Geometry) -> Depth:
        """Return the depth of the image after a geometry: nearest pixels, none outside.

        Distances are not averaged, since the mean of two surfaces is on neither.
        """
        return Depth(
            geometry.sampled(self.metres, outside=0.0).astype(np.float32),
            geometry.sampled(self.valid, outside=False).astype(np.bool_),
        )

    def arrays(self, of: TargetType) -> Mapping[str, NDArray[np.generic]]:  # noqa: ARG002 - the contract of targets
        """Return the arrays of one image by stream, see `TargetType.streams`."""
        return {"depth": self.metres, "depth.valid": self.valid}
