"""The union of all targets, and the interface of datasets that have some."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from eqspec.ops.targets.boxes import Boxes
from eqspec.ops.targets.clip import Clip
from eqspec.ops.targets.depth import Depth
from eqspec.ops.targets.keypoints import Keypoints
from eqspec.ops.targets.kinds import TargetKind
from eqspec.ops.targets.label import Label
from eqspec.ops.targets.mask import Mask
from eqspec.ops.targets.pair import Pair

Target = Label | Mask | Boxes | Keypoints | Depth | Pair | Clip


@runtime_checkable
class Targets(Protocol):
    """Dataset whose images have targets other than a class, as its op declares (`targets`)."""

    def target(self, i: int, kind: TargetKind) -> Target:
        """Return a target of image i, in pixels of the image that `image(i)` returns.

        Raises:
            UnreadableImage: its file is missing or damaged.
        """
        ...
