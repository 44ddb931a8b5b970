"""What evaluations read of a frozen encoder, as their ops declare it. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from eqspec.ops.feature_rows import ENCODER, Row, TokenRow

Form = Literal["pooled", "tokens", "pairs", "derived", "predicted"]
"""Class token and mean patch of centre crops; token grids of layers; pairs (I, g(I)); features of
images that the evaluation derives from centre crops; views and predictions of them, of a rewrite's
predictor, which are not stored."""


@dataclass(frozen=True, slots=True)
class FeaturesRead:
    """Features of a frozen encoder that an evaluation reads.

    Attributes:
        form: kind of features.
        rows: parts of the model that they come from; those that the model lacks are left out.
        train: largest number of training images; None for all, 0 for none.
        heldout: largest number of held-out images, likewise.
        vectors: number of feature vectors of an image, per row.
        content: everything else that determines them, such as layers, sizes or transforms.
    """

    form: Form
    rows: tuple[Row | TokenRow, ...] = (ENCODER,)
    train: int | None = None
    heldout: int | None = None
    vectors: int = 1
    content: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
