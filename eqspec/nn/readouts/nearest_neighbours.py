"""Weighted nearest neighbours on frozen features: cosine similarity, votes of exp(similarity / T).

The classifier of Wu et al. (arXiv:1805.01978) in the form that DINO (arXiv:2104.14294) and its
successors report: the k most similar training images vote for their class. N training samples,
M held-out ones, D features, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK = 512
"""Held-out samples compared at a time."""


def vote(
    train_ND: Tensor,
    labels_N: Tensor,
    held_MD: Tensor,
    *,
    ks: Sequence[int],
    temperature: float,
) -> Tensor:
    """Predicted classes `[len(ks), M]` for several numbers of neighbours.

    A k beyond the number of training samples means all of them. Classes with equal votes: the
    lowest.

    Args:
        train_ND: features of the samples that vote.
        labels_N: their classes, int64.
        held_MD: features of the samples that are classified.
        ks: numbers of neighbours.
        temperature: T; a small one listens to the nearest alone.
    """
    train_ND, held_MD = (F.normalize(x.to(torch.float32), dim=1) for x in (train_ND, held_MD))
    most, classes = min(max(ks), len(train_ND)), int(labels_N.max()) + 1
    found: list[Tensor] = []
    for chunk_BD in held_MD.split(CHUNK):
        near_BK, at_BK = (chunk_BD @ train_ND.T).topk(most, dim=1)
        # Relative to the nearest, so that no weight overflows.
        weights_BK = ((near_BK - near_BK[:, :1]) / temperature).exp()
        voters_BK = labels_N[at_BK]
        chosen = [_winner(weights_BK[:, :k], voters_BK[:, :k], classes=classes) for k in ks]
        found.append(torch.stack(chosen))
    return torch.cat(found, dim=1)


def _winner(weights_BK: Tensor, voters_BK: Tensor, *, classes: int) -> Tensor:
    votes_BC = weights_BK.new_zeros(len(weights_BK), classes)
    return votes_BC.scatter_add_(1, voters_BK, weights_BK).argmax(dim=1)
