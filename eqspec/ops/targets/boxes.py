"""Objects of an image: boxes with classes, and their masks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eqspec.ops.targets.geometry import Geometry
    from eqspec.ops.targets.kinds import TargetType

_LEAST = 1e-6
"""Side in pixels below which a box is empty."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """The n objects of an image.

    Attributes:
        corners: left, top, right and bottom in pixels, float64 `[n, 4]`.
        labels: classes, int64 `[n]`.
        crowd: boxes around many objects, which are neither learned nor counted, bool `[n]`.
        masks: pixels of each object, bool `[n, H, W]`; None without.
    """

    corners: NDArray[np.float64] = field(repr=False)
    labels: NDArray[np.int64]
    crowd: NDArray[np.bool_] = field(repr=False)
    masks: NDArray[np.bool_] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.corners)

    @classmethod
    def of_coco(
        cls,
        annotations: Iterable[Mapping[str, Any]],
        *,
        classes: Mapping[int, int],
        size: tuple[int, int],
        masks: bool = False,
    ) -> Boxes:
        """Return the objects of COCO's annotations of one image.

        Args:
            annotations: with `bbox` (left, top, width, height), `category_id`, `iscrowd`, and
                `segmentation` as polygons or uncompressed run lengths.
            classes: number of each category.
            size: (height, width) of the image.
            masks: whether to draw the masks.
        """
        listed = list(annotations)
        corners = np.array([one["bbox"] for one in listed], np.float64).reshape(-1, 4)
        corners[:, 2:] += corners[:, :2]
        drawn = [_drawn(one["segmentation"], size=size) for one in listed] if masks else []
        return cls(
            corners,
            np.array([classes[one["category_id"]] for one in listed], np.int64),
            np.array([bool(one.get("iscrowd", 0)) for one in listed], np.bool_),
            np.array(drawn, np.bool_).reshape(-1, *size) if masks else None,
        )

    def moved(self, geometry: Geometry) -> Boxes:
        """Return the objects after a geometry: clipped to the frame, without those outside it.

        A box that is not parallel to the frame becomes the smallest one around it.
        """
        left, top, right, bottom = self.corners.T
        xy = np.stack([[left, right, right, left], [top, top, bottom, bottom]], axis=-1)
        moved = geometry.points(xy)  # [4 corners, n, 2]
        limits = np.array(geometry.size[::-1], np.float64)
        low, high = moved.min(axis=0).clip(0, limits), moved.max(axis=0).clip(0, limits)
        kept = (high - low > _LEAST).all(axis=1)
        masks = self.masks
        if masks is not None:
            masks = geometry.sampled(masks, outside=False).astype(np.bool_)
            kept &= masks.any(axis=(1, 2))
        return Boxes(
            np.concatenate([low, high], axis=1)[kept],
            self.labels[kept],
            self.crowd[kept],
            None if masks is None else masks[kept],
        )

    def arrays(self, of: TargetType) -> Mapping[str, NDArray[np.generic]]:
        """Return the arrays of one image by stream, see `TargetType.streams`."""
        found = {
            "boxes": of.padded(self.corners.astype(np.float32)),
            "boxes.labels": of.padded(self.labels),
            "boxes.crowd": of.padded(self.crowd),
            "boxes.present": of.present(len(self)),
        }
        if of.masks:
            assert self.masks is not None, "the op declares masks"
            found["boxes.masks"] = of.padded(self.masks)
        return found


def _drawn(
    segmentation: Sequence[Sequence[float]] | Mapping[str, Any], *, size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the pixels of polygons, or of run lengths down the columns, `[H, W]`."""
    if isinstance(segmentation, Mapping):
        counts = np.asarray(segmentation["counts"], np.int64)
        values = np.arange(len(counts)) % 2 == 1
        return np.repeat(values, counts).reshape(size[::-1]).T
    from PIL import Image, ImageDraw

    image = Image.new("1", (size[1], size[0]))
    for polygon in segmentation:
        ImageDraw.Draw(image).polygon([float(value) for value in polygon], fill=1)
    return np.asarray(image, np.bool_)
