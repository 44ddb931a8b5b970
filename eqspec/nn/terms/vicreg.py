"""The three terms of VICReg: invariance, variance and covariance.

Bardes et al., VICReg (arXiv:2105.04906), section 4.1, equations 1-6; SIE (arXiv:2302.10283) uses
the same terms with other weights. Legend: V views, B samples, D features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.nn.world import World


def invariance(x_VBD: Tensor) -> Tensor:
    """Return the mean squared difference between two views `[2, B, D]`, over batch and features."""
    first, second = at_least_fp32(x_VBD).unbind(0)
    return (first - second).square().mean()


def variance(x_BD: Tensor, *, floor: float, eps: float) -> Tensor:
    """Return half the mean hinge loss that keeps the standard deviation of features above `floor`.

    Args:
        x_BD: features `[..., B, D]`; leading axes (views) are summed.
        floor: standard deviation below which a feature is penalised.
        eps: added to the unbiased variance, inside the square root.

    Returns:
        A scalar, at least float32.
    """
    deviation_D = (at_least_fp32(x_BD).var(dim=-2, unbiased=True) + eps).sqrt()
    return 0.5 * (floor - deviation_D).relu().mean(dim=-1).sum()


def covariance(x_BD: Tensor) -> Tensor:
    """Return the squared off-diagonal covariances of `[..., B, D]`, summed, divided by D."""
    x_BD = at_least_fp32(x_BD)
    samples, features = x_BD.shape[-2:]
    centred_BD = x_BD - x_BD.mean(dim=-2, keepdim=True)
    covariance_DD = centred_BD.mT @ centred_BD / (samples - 1)
    diagonal_DD = torch.eye(features, dtype=torch.bool, device=x_BD.device)
    return covariance_DD.masked_fill(diagonal_DD, 0).square().sum() / features


class Invariance(nn.Module):
    """`invariance` of the two views; a plain mean, so each rank uses only its own samples."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the term for `x` `[2, B, D]`."""
        return invariance(x)


class Variance(nn.Module):
    """`variance` over the global batch; every rank returns the global value."""

    def __init__(self, *, floor: float, eps: float, world: World) -> None:
        super().__init__()
        self.floor = floor
        self.eps = eps
        self.world = world

    def forward(self, x: Tensor) -> Tensor:
        """Return the term for `x` `[B, D]` or `[V, B, D]`."""
        whole_BD = self.world.gather(at_least_fp32(x), axis=x.ndim - 2)
        return variance(whole_BD, floor=self.floor, eps=self.eps)


class Covariance(nn.Module):
    """`covariance` over the global batch; every rank returns the global value."""

    def __init__(self, *, world: World) -> None:
        super().__init__()
        self.world = world

    def forward(self, x: Tensor) -> Tensor:
        """Return the term for `x` `[B, D]` or `[V, B, D]`."""
        return covariance(self.world.gather(at_least_fp32(x), axis=x.ndim - 2))
