"""Squared distances of unit vectors between different views (BYOL, arXiv:2006.07733, equation 2).

Legend: V views, B samples, D features.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor


class CrossViewCosine(nn.Module):
    """2 − 2 cos of predictions and targets, summed over pairs of different views."""

    def forward(self, predictions: Tensor, targets: Tensor) -> Tensor:
        """Return the term for streams `[V, B, D]`, a mean over B; targets get no gradient."""
        unit_VBD = F.normalize(at_least_fp32(predictions), dim=-1)
        wanted_VBD = F.normalize(at_least_fp32(targets.detach()), dim=-1)
        pairs = [
            (unit_VBD[v] - wanted_VBD[w]).square().sum(-1).mean()
            for v, w in permutations(range(unit_VBD.shape[0]), 2)
        ]
        return torch.stack(pairs).sum()
