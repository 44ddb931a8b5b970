"""Retrieval of views by predicted representations: ranks by cosine similarity, and errors.

n images with K + 1 views each, D features. Similarities are computed in fp32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

TILE = 1 << 24
"""Largest number of similarities in memory at a time."""


def ranks_among_own(predicted_NKD: Tensor, views_NVD: Tensor) -> Tensor:
    """Return the rank of each predicted view among the K + 1 views of its image, `[n, K]`.

    The rank is the number of views that are at least as similar to the prediction as the right one,
    itself included: 1 is the best, and equally similar views count against the prediction.

    Args:
        predicted_NKD: predictions of views 1 … K.
        views_NVD: representations of views 0 … K.
    """
    similar_NKV = _unit(predicted_NKD) @ _unit(views_NVD).mT
    right_NK1 = similar_NKV.diagonal(offset=1, dim1=1, dim2=2).unsqueeze(2)
    return (similar_NKV >= right_NK1).sum(dim=2)


def ranks_among_all(predicted_NKD: Tensor, views_NVD: Tensor) -> Tensor:
    """Return the same rank among the views of all images, `[n, K]`."""
    images, predictions, width = predicted_NKD.shape
    candidates_CD = _unit(views_NVD).flatten(0, 1)
    queries_NKD = _unit(predicted_NKD)
    each = max(1, TILE // (predictions * len(candidates_CD)))
    per_image = views_NVD.shape[1]
    found: list[Tensor] = []
    for first in range(0, images, each):
        some_QD = queries_NKD[first : first + each].reshape(-1, width)
        similar_QC = some_QD @ candidates_CD.T
        at_Q = _right(first, len(some_QD), predictions=predictions, per_image=per_image)
        right_Q1 = similar_QC.gather(1, at_Q.to(similar_QC.device)[:, None])
        found.append((similar_QC >= right_Q1).sum(dim=1).unflatten(0, (-1, predictions)))
    return torch.cat(found)


def errors(predicted_NKD: Tensor, views_NVD: Tensor) -> Tensor:
    """Return the squared distance of unit-length predictions and representations, `[n, K]`.

    It is 2 − 2 cos: 0 is perfect, 2 that of directions with nothing in common.
    """
    apart_NKD = _unit(predicted_NKD) - _unit(views_NVD)[:, 1:]
    return apart_NKD.square().sum(dim=2)


def chance(candidates: int) -> float:
    """Return the mean reciprocal rank of a random order of some candidates."""
    return sum(1 / rank for rank in range(1, candidates + 1)) / candidates


def _right(first: int, count: int, *, predictions: int, per_image: int) -> Tensor:
    """Return the candidate that each prediction is of, from image `first` on, `[count]`."""
    number = torch.arange(count)
    image, view = first + number // predictions, 1 + number % predictions
    return image * per_image + view


def _unit(vectors: Tensor) -> Tensor:
    return F.normalize(vectors.to(torch.float32), dim=-1)
