"""The floors of a path, and where a reconstruction stands beside them. Free of torch.

All errors are mean squared errors over the pixels' variance: 1 is the error of a constant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import fmean
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Reduction = Literal["mean", "mean-over-variance", "sum-per-image"]
"""How a reconstruction term sums up its squared errors; see `eqspec.ops.terms.mse`."""

WINDOW = 20
"""Most steps of which the mean is compared with a floor: the errors of single batches scatter."""

_Error = Annotated[float, Field(allow_inf_nan=False)]
_Count = Annotated[int, Field(gt=0)]


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

    copied: _Error
    blind: _Error | None
    known: _Error | None


class PathFloors(BaseModel):
    """Floors of a path.

    Attributes:
        images: number of training images that they were measured on.
        variance: of the pixels, by which errors are divided.
        size: of the images, in pixels.
        full: at the resolution of the images.
        coarse: of predictions of `side` × `side` pixels, enlarged.
        side: twice the grid of tokens, to which a decoder first enlarges them.
        both: with shared crops view 1 shows the same content, and the nearer view counts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: _Count
    variance: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    size: _Count
    full: Floor
    coarse: Floor
    side: _Count
    both: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """The error of a reconstruction beside a floor, after some steps of training.

    Attributes:
        error: mean over the last `window` steps.
        window: steps of that mean: `WINDOW`, or all of a shorter training.
        floor: `blind` at the resolution of the images; `copied` where `blind` is unknown.
        against: which of the two that is.
        since: the first step from which on the mean was below the floor, up to the last step; None
            if it is not below.
        once: it is not below, but was after an earlier step.
    """

    error: float
    window: int
    floor: float
    against: Literal["blind", "copied"]
    since: int | None
    once: bool


def share_of_variance(value: float, *, reduction: Reduction, floors: PathFloors) -> float:
    """Return the mean squared error over the pixels' variance, from the value of a term."""
    if reduction == "mean-over-variance":
        return value
    numbers = 3 * floors.size**2 if reduction == "sum-per-image" else 1
    return value / (numbers * floors.variance)


def recent(errors: Sequence[float]) -> float:
    """Return the mean of the last `WINDOW` errors."""
    return fmean(errors[-WINDOW:])


def standing(
    curve: Mapping[int, float], *, reduction: Reduction, floors: PathFloors
) -> Standing | None:
    """Return where a reconstruction stands; None before the first step.

    Args:
        curve: step → value of the term, in the order of the steps.
    """
    if not curve:
        return None
    full = floors.full
    floor = full.copied if full.blind is None else full.blind
    values = (share_of_variance(v, reduction=reduction, floors=floors) for v in curve.values())
    errors = tuple(values)
    ends = range(1, len(errors) + 1)
    means = [fmean(errors[max(0, end - WINDOW) : end]) for end in ends]
    below = [mean < floor for mean in means]
    lasting = sum(1 for _ in takewhile(bool, reversed(below)))
    return Standing(
        error=means[-1],
        window=min(WINDOW, len(errors)),
        floor=floor,
        against="copied" if full.blind is None else "blind",
        since=tuple(curve)[-lasting] if lasting else None,
        once=not lasting and any(below),
    )
