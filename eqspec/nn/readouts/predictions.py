"""Predicted representations of views, and what they are compared with. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Predictions:
    """Representations of n images with K + 1 views each, and predictions of K of them.

    Attributes:
        views: representations, `[n, K + 1, D]`; view 0 is what is predicted from.
        predicted: predictions of views 1 … K from view 0 and the action, `[n, K, D]`.
        images: positions in the dataset `[n]`.
        sources: which photograph or object each image shows `[n]`.
        task: what was predicted, in words: the transform with its ranges, or the augmentation.
    """

    views: Tensor
    predicted: Tensor
    images: np.ndarray
    sources: np.ndarray
    task: str
