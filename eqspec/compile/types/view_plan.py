"""The views of a sample as frozen JSON data: crops, steps, and the path between two views."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, JsonValue, SerializerFunctionWrapHandler, model_serializer

from eqspec.compile.types.graph import Frozen
from eqspec.compile.types.pairs import PairPlan
from eqspec.compile.types.shared_draws import SharedPlan


class CropPlan(Frozen):
    """A random resized crop.

    Attributes:
        scale: share of the image's area, (low, high).
        ratio: width over height, (low, high), drawn log-uniformly.
        centre: a square about the centre instead, its side as a share of the shorter one.
        interpolation: of the antialiased resize.
    """

    scale: tuple[float, float]
    ratio: tuple[float, float] = (0.75, 4 / 3)
    centre: float | None = None
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"


class AugmentStep(Frozen):
    """A transform op applied with probability `p` to each sample."""

    impl: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    p: float = 1.0


_NEWER = frozenset({"place_of", "shared"})
"""Fields of a view that older plans lack."""


class SingleViewPlan(Frozen):
    """One view of one group.

    Attributes:
        size: side of the view in pixels, as the encoder sees it.
        canvas: side of what the loader makes; larger by an even number where a path needs a margin.
        reach: pixels per side beyond the view that the path may look at (0 without a margin).
        copy_of: the view of the same group whose finished pixels it starts from, without a crop.
        place_of: the view of the same group whose draws its crop and its steps of kind `geometry`
            use; None for its own.
        shared: draws that several samples share; None: every sample has its own.
    """

    group: str
    index: int
    size: int
    canvas: int
    reach: float = 0.0
    crop: CropPlan
    steps: tuple[AugmentStep, ...] = ()
    copy_of: int | None = None
    place_of: int | None = None
    shared: SharedPlan | None = None

    @property
    def place_drawn_as(self) -> int:
        """Index of the view whose draws say which part of the image this view shows."""
        return self.index if self.place_of is None else self.place_of

    @model_serializer(mode="wrap")
    def _without_defaults(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit what is not shared, so that plans read as before it could be."""
        written: dict[str, Any] = rest(self)
        return {k: v for k, v in written.items() if v is not None or k not in _NEWER}


class PathPlan(Frozen):
    """The transform path: `between` at the fractions and the view itself at 1, all from one canvas.

    Attributes:
        group: the view group whose view `view` is transformed.
        fractions: of θ, one per reconstructed image; θ itself makes the view.
    """

    impl: str
    params: dict[str, JsonValue]
    group: str = "global"
    view: int = 1
    fractions: tuple[float, ...]
    border: Literal["reflect", "zeros", "canvas"]
    action_dim: int
    names: tuple[str, ...]


class ViewPlan(Frozen):
    """Every view of a sample, and how pixels are normalised for the encoder.

    Attributes:
        path: between the views, where one of them is transformed.
        pair: where the data give two views of each sample; then there is no path.
        draws: streams of drawn parameters that are handed on (``draws.crop``; ``draws`` is all).
        pixels: the global views are handed on in [0, 1], too.
        mean, std: per channel, of pixels in [0, 1].
    """

    views: tuple[SingleViewPlan, ...]
    path: PathPlan | None = None
    pair: PairPlan | None = None
    draws: tuple[str, ...] = ()
    pixels: bool = False
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
