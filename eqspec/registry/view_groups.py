"""Declarations of view groups, in augmentation cards and in rewrites that add a group."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator

from eqspec.registry.declared import Declared

Share = Annotated[float, Field(gt=0, le=1)]
_Ratio = Annotated[float, Field(gt=0)]


def rising(bounds: tuple[float, float]) -> tuple[float, float]:
    """Return a range; ValueError when the lower bound is above the upper one."""
    low, high = bounds
    if low > high:
        raise ValueError(f"a range is [low, high], but {low:g} is above {high:g}")
    return bounds


class CropDecl(Declared):
    """Random resized crop, or a fixed square about the centre.

    Attributes:
        scale: share of the image's area, drawn uniformly.
        ratio: width divided by height, drawn log-uniformly.
        centre: side of the square as a share of the image's shorter side.
    """

    scale: Annotated[tuple[Share, Share], AfterValidator(rising)] | None = None
    ratio: Annotated[tuple[_Ratio, _Ratio], AfterValidator(rising)] = (0.75, 4 / 3)
    centre: Share | None = None
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"

    @model_validator(mode="after")
    def _one_kind(self) -> CropDecl:
        if (self.scale is None) == (self.centre is None):
            raise ValueError("a crop has exactly one of `scale` and `centre`")
        return self


class StepDecl(Declared):
    """Photometric or flip step, applied with probability `p`."""

    impl: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    p: float = Field(1.0, ge=0, le=1)


class ViewDecl(Declared):
    """Crop and steps of one view."""

    crop: CropDecl
    steps: list[StepDecl] = Field(default_factory=list[StepDecl])


class GroupDecl(Declared):
    """Views of a group; the last one repeats if a method asks for more.

    Attributes:
        size: side in pixels; None for the spec's image size.
        share: side as a share of the spec's image size (local crops: 96/224).
        crops: whether each view draws its own box and flips, or all share those of the first one,
            so that a pair of views identifies the transform between them.
        margin: what every view is cut out of, beyond each edge, as a share of its side. A path with
            the border `canvas` takes what it needs from its own view alone; with a margin of .207
            (rotation by 45°) all views show equally large parts, also where nothing is transformed.
    """

    size: int | None = Field(None, ge=1)
    share: float | None = Field(None, gt=0, le=1)
    crops: Literal["independent", "shared"] = "independent"
    margin: float = Field(0.0, ge=0, le=1)
    views: list[ViewDecl] = Field(min_length=1)


class AddedGroupDecl(ViewDecl):
    """View group added by a rewrite: one view and copies of it.

    Attributes:
        size: side in pixels; None for the spec's image size.
        share: side as a share of the spec's image size.
        copies: for each further view, the steps applied to the final pixels of the first view, so
            that all share the same crop and the same random draws.
    """

    size: int | None = Field(None, ge=1)
    share: float | None = Field(None, gt=0, le=1)
    copies: list[list[StepDecl]] = Field(default_factory=list[list[StepDecl]])

    @property
    def count(self) -> int:
        """Number of views in the group."""
        return 1 + len(self.copies)


class SharedDecl(Declared):
    """Random draws that consecutive samples of a batch share, so that one change suits them all.

    Attributes:
        samples: number of consecutive samples with the same draws; must divide the batch.
        own: ops of steps that every sample still draws for itself; `crop` is the crop.
    """

    samples: int = Field(ge=2)
    own: list[str] = Field(default_factory=list[str])
