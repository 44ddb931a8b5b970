"""What reconstructing the images of a path costs with and without knowledge of the transform.

All errors are mean squared errors over the pixels' variance: 1 is the error of a constant. K path
points, B images.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.nn import functional


class Floor(BaseModel):
    """Errors of three predictions from view 2 alone, each over the pixels' variance.

    Attributes:
        copied: view 2 itself.
        blind: the mean over all transforms that could have made view 2; None where they cannot be
            undone.
        known: view 2 taken back by its own parameters; None as above. Not 0, since pixels beyond
            the frame are lost and the rest is resampled.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    copied: float
    blind: float | None
    known: float | None


class PathFloors(BaseModel):
    """Floors of a path.

    Attributes:
        images: number of training images that they were measured on.
        variance: of the pixels, by which errors are divided.
        full: at the resolution of the images.
        coarse: of predictions of `side` × `side` pixels, enlarged.
        side: twice the grid of tokens, to which a decoder first enlarges them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: int
    variance: float
    full: Floor
    coarse: Floor
    side: int


def squared_error(predicted_KBCHW: Tensor, targets_KBCHW: Tensor) -> float:
    """Return the mean squared error."""
    return float((predicted_KBCHW - targets_KBCHW).square().mean())


def coarse(images_KBCHW: Tensor, *, side: int) -> Tensor:
    """Return images reduced to `side` × `side` by averages, and enlarged again (bilinear)."""
    size = images_KBCHW.shape[-1]
    if side == size:
        return images_KBCHW
    flat = images_KBCHW.flatten(0, 1)
    small = functional.adaptive_avg_pool2d(flat, side)
    large = functional.interpolate(small, size=(size, size), mode="bilinear", align_corners=False)
    return large.unflatten(0, images_KBCHW.shape[:2])
