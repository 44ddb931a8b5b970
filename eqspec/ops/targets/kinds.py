"""Types of targets as ops declare them, and the streams that they become. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from eqspec.ops.op import BATCH, StreamType

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABELS = "labels"
"""The stream of classes, `[B]` int64, of datasets with classes on their card."""


_WORDS: Mapping[str, str] = MappingProxyType({"boxes": "boxes", "keypoints": "keypoints"})


class TargetKind(StrEnum):
    """What an image is labelled with."""

    LABEL = "label"
    MASK = "mask"
    BOXES = "boxes"
    KEYPOINTS = "keypoints"
    DEPTH = "depth"
    PAIR = "pair"
    CLIP = "clip"

    @property
    def words(self) -> str:
        """The kind in a sentence, in the plural."""
        return _WORDS.get(self.value, f"{self.value}s")


_COORDINATES: Mapping[TargetKind, int] = MappingProxyType(
    {TargetKind.BOXES: 4, TargetKind.KEYPOINTS: 2}
)

_STREAMS: Mapping[TargetKind, Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        TargetKind.LABEL: {LABELS: ("", "int")},
        TargetKind.MASK: {"mask": ("HW", "int")},
        TargetKind.DEPTH: {"depth": ("HW", "float"), "depth.valid": ("HW", "bool")},
        TargetKind.BOXES: {
            "boxes": ("OX", "float"),
            "boxes.labels": ("O", "int"),
            "boxes.crowd": ("O", "bool"),
            "boxes.present": ("O", "bool"),
            "boxes.masks": ("OHW", "bool"),
        },
        TargetKind.KEYPOINTS: {
            "keypoints": ("OPX", "float"),
            "keypoints.states": ("OP", "int"),
            "keypoints.present": ("O", "bool"),
        },
        TargetKind.PAIR: {"homography": ("YX", "float")},
    }
)
"""Kind → stream → its axes after B, and its dtype: O objects, P points, X and Y coordinates; the
streams of a clip have T frames before them."""


@dataclass(frozen=True, slots=True)
class TargetType:
    """The type of a target that a dataset has.

    Attributes:
        kind: of the target; of a clip, what its frames have.
        objects: largest number of objects of an image, for boxes and keypoints. Batches have so
            many places; further objects are left out.
        points: number of points of an object, for keypoints.
        masks: whether boxes have masks.
        frames: number of frames of a clip; 0 for a target of one image.
    """

    kind: TargetKind
    objects: int = 0
    points: int = 0
    masks: bool = False
    frames: int = 0

    @property
    def declared(self) -> TargetKind:
        """What an evaluation that needs it declares."""
        return TargetKind.CLIP if self.frames else self.kind

    def streams(self, *, size: int) -> Mapping[str, StreamType]:
        """Return the types of the streams of a batch of square images with this side."""
        coordinates = _COORDINATES.get(self.kind, 3)
        sizes = {"T": self.frames, "O": self.objects, "P": self.points, "H": size, "W": size}
        sizes |= {"X": coordinates, "Y": 3}
        leading = "T" if self.frames else ""
        found: dict[str, StreamType] = {}
        for name, (axes, dtype) in _STREAMS[self.kind].items():
            if name == "boxes.masks" and not self.masks:
                continue
            all_axes = leading + axes
            found[name] = StreamType(
                ("B", *all_axes), (BATCH, *(sizes[axis] for axis in all_axes)), dtype=dtype
            )
        return found

    def padded(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the first rows in an array of `objects` rows, 0 where there are none."""
        found = np.zeros((self.objects, *values.shape[1:]), values.dtype)
        found[: len(values)] = values[: self.objects]
        return found

    def present(self, count: int) -> NDArray[np.bool_]:
        """Return which of `objects` rows are taken by so many objects."""
        return np.arange(self.objects) < count
