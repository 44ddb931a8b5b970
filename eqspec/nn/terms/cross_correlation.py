"""Term of Barlow Twins: the cross-correlation of two views should be the identity matrix.

Zbontar et al. (arXiv:2103.03230), equations 1 and 2. Legend: V views, B samples, D features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.nn.world import World

CORRELATION_EPS = 1e-5
"""Added to the biased variance of each feature, as in a batch norm without affine parameters."""


def cross_correlation(x_VBD: Tensor, *, off_diagonal: float) -> Tensor:
    """Return the squared distance of the views' cross-correlation matrix from the identity.

    Args:
        x_VBD: both views of the whole batch `[2, B, D]`.
        off_diagonal: weight of the off-diagonal entries, the redundancy between features.

    Returns:
        A scalar, at least float32.
    """
    x_VBD = at_least_fp32(x_VBD)
    spread_VD, middle_VD = torch.var_mean(x_VBD, dim=1, unbiased=False, keepdim=True)
    first_BD, second_BD = ((x_VBD - middle_VD) / (spread_VD + CORRELATION_EPS).sqrt()).unbind(0)
    correlation_DD = first_BD.mT @ second_BD / x_VBD.shape[1]
    diagonal_DD = torch.eye(x_VBD.shape[-1], dtype=torch.bool, device=x_VBD.device)
    redundant_DD = correlation_DD.masked_fill(diagonal_DD, 0)
    alike = (correlation_DD.diagonal() - 1).square().sum()
    return alike + off_diagonal * redundant_DD.square().sum()


class CrossCorrelation(nn.Module):
    """`cross_correlation` over the global batch; every rank returns the global value."""

    def __init__(self, *, off_diagonal: float, world: World) -> None:
        super().__init__()
        self.off_diagonal = off_diagonal
        self.world = world

    def forward(self, x: Tensor) -> Tensor:
        """Return the term for both views `[2, B, D]`."""
        whole_VBD = self.world.gather(at_least_fp32(x), axis=1)
        return cross_correlation(whole_VBD, off_diagonal=self.off_diagonal)
