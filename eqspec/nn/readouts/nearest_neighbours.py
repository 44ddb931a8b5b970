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

from eqspec.nn.readouts.feature_matrix import FeatureMatrix

CHUNK = 512
"""Held-out samples compared at a time."""

BLOCK = 65_536
"""Training samples that they are compared with at a time."""


def vote(
    train: FeatureMatrix,
    labels_N: Tensor,
    held_out: FeatureMatrix,
    *,
    ks: Sequence[int],
    temperature: float,
) -> Tensor:
    """Predicted classes `[len(ks), M]` for several numbers of neighbours.

    A k beyond the number of training samples means all of them. Classes with equal votes: the
    lowest.

    Args:
        train: features of the samples that vote.
        labels_N: their classes, int64.
        held_out: features of the samples that are classified.
        ks: numbers of neighbours.
        temperature: T; the smaller, the more the nearest neighbours count.
    """
    labels_N = labels_N.to(train.device)
    classes = int(labels_N.max()) + 1
    near_MK, at_MK = _nearest(train, held_out, count=min(max(ks), len(train)))
    found: list[Tensor] = []
    for near_BK, at_BK in zip(near_MK.split(CHUNK), at_MK.split(CHUNK), strict=True):
        # Relative to the nearest, so that no weight overflows.
        weights_BK = ((near_BK - near_BK[:, :1]) / temperature).exp()
        voters_BK = labels_N[at_BK]
        chosen = [_winner(weights_BK[:, :k], voters_BK[:, :k], classes=classes) for k in ks]
        found.append(torch.stack(chosen))
    return torch.cat(found, dim=1)


def _nearest(train: FeatureMatrix, held_out: FeatureMatrix, *, count: int) -> tuple[Tensor, Tensor]:
    """Similarities and positions of the nearest training samples, nearest first, `[M, K]` each."""
    best: list[tuple[Tensor, Tensor]] = []
    start = 0
    for block in train.chunks(BLOCK):
        block_ND = F.normalize(block, dim=1)
        for i, chunk in enumerate(held_out.chunks(CHUNK)):
            similar_BN = F.normalize(chunk, dim=1) @ block_ND.T
            near, at = similar_BN.topk(min(count, len(block_ND)), dim=1)
            at = at + start
            if start:
                near, at = _merged(best[i], (near, at), count=count)
                best[i] = near, at
            else:
                best.append((near, at))
        start += len(block_ND)
    near, at = (torch.cat(part) for part in zip(*best, strict=True))
    return near, at


def _merged(
    a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor], *, count: int
) -> tuple[Tensor, Tensor]:
    """The nearest among those of two blocks."""
    near, at = (torch.cat(pair, dim=1) for pair in zip(a, b, strict=True))
    near, order = near.topk(min(count, near.shape[1]), dim=1)
    return near, at.gather(1, order)


def _winner(weights_BK: Tensor, voters_BK: Tensor, *, classes: int) -> Tensor:
    votes_BC = weights_BK.new_zeros(len(weights_BK), classes)
    return votes_BC.scatter_add_(1, voters_BK, weights_BK).argmax(dim=1)
