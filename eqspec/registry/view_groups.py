"""How the views of a group are made: by an augmentation card, or by a rewrite that adds a group."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator

from eqspec.registry.declared import Declared

Share = Annotated[float, Field(gt=0, le=1)]
_Ratio = Annotated[float, Field(gt=0)]


def rising(bounds: tuple[float, float]) -> tuple[float, float]:
    """A range as it is; ValueError when its ends are the wrong way round."""
    low, high = bounds
    if low > high:
        raise ValueError(f"a range is [low, high], but {low:g} is above {high:g}")
    return bounds


class CropDecl(Declared):
    """A random resized crop, or a square about the centre, for which nothing is drawn.

    Attributes:
        scale: share of the image's area, drawn uniformly.
        ratio: width over height, drawn log-uniformly.
        centre: side of the square, as a share of the image's shorter side.
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
    """A photometric or flip step, applied with probability `p`."""

    impl: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    p: float = Field(1.0, ge=0, le=1)


class ViewDecl(Declared):
    """How one view of a group is made."""

    crop: CropDecl
    steps: list[StepDecl] = Field(default_factory=list[StepDecl])


class GroupDecl(Declared):
    """The views of a group; the last one repeats when a method asks for more.

    Attributes:
        size: side in pixels; None for the spec's image size.
        share: side as a share of the spec's image size (local crops: 96/224).
    """

    size: int | None = Field(None, ge=1)
    share: float | None = Field(None, gt=0, le=1)
    views: list[ViewDecl] = Field(min_length=1)


class AddedGroupDecl(ViewDecl):
    """A view group that a rewrite adds: one drawn view, and copies of it.

    Attributes:
        size: side in pixels; None for the spec's image size.
        share: side as a share of the spec's image size.
        copies: for each further view, what is done to the finished pixels of the first; so all
            share one crop and one draw of every step.
    """

    size: int | None = Field(None, ge=1)
    share: float | None = Field(None, gt=0, le=1)
    copies: list[list[StepDecl]] = Field(default_factory=list[list[StepDecl]])

    @property
    def count(self) -> int:
        """Views of the group."""
        return 1 + len(self.copies)
