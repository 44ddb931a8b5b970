"""Parameters of evaluations that classify images by frozen features. Free of torch."""

from __future__ import annotations

from pydantic import Field

from eqspec.ops.evaluation_reads import FeaturesRead
from eqspec.ops.feature_rows import Row
from eqspec.ops.op import OpParams


class ClassificationParams(OpParams):
    """Base class for parameters of classification by frozen features.

    Attributes:
        rows: names of the features; those that the model lacks are left out.
        train_images: largest number of training images, a fixed choice; null for all.
        heldout_images: largest number of held-out images, likewise.
        resamples: number of bootstrap resamples.
    """

    rows: tuple[Row, ...] = Field(("encoder",), min_length=1)
    train_images: int | None = Field(None, ge=2)
    heldout_images: int | None = Field(None, ge=2)
    resamples: int = Field(1000, ge=1000)

    @property
    def reads(self) -> tuple[FeaturesRead, ...]:
        """The features that the evaluation reads."""
        return (
            FeaturesRead(
                "pooled", rows=self.rows, train=self.train_images, heldout=self.heldout_images
            ),
        )
