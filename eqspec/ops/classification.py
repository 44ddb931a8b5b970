"""Parameters of evaluations that classify images by frozen features. Free of torch."""

from __future__ import annotations

from pydantic import Field

from eqspec.ops.feature_rows import Row
from eqspec.ops.op import OpParams


class ClassificationParams(OpParams):
    """Base class of their parameters.

    Attributes:
        rows: which features; those that the model lacks are left out.
        train_images: at most so many to learn from, a fixed choice; null takes all.
        heldout_images: at most so many to classify, likewise.
        resamples: of the bootstrap.
    """

    rows: tuple[Row, ...] = Field(("encoder",), min_length=1)
    train_images: int | None = Field(None, ge=2)
    heldout_images: int | None = Field(None, ge=2)
    resamples: int = Field(1000, ge=1000)
