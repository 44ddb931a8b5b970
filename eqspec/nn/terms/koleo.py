"""Kozachenko-Leonenko (KoLeo) term, which spreads samples apart on the unit sphere.

Sablayrolles et al. (arXiv:1806.03198), section 3; DINOv2 (arXiv:2304.07193), section 4.
Legend: V views, B samples, G samples of a group, D features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.nn.world import World

DISTANCE_EPS = 1e-8
"""Added to each coordinate difference and to the distance: duplicates have a finite cost."""


def koleo(x_GD: Tensor) -> Tensor:
    """Return the mean of −log of the distance of unit vectors to their nearest neighbours.

    Args:
        x_GD: features `[..., G, D]`, normalised first; neighbours are searched among the G.

    Returns:
        One value per leading index `[...]`, at least float32.
    """
    unit_GD = F.normalize(at_least_fp32(x_GD), dim=-1)
    with torch.no_grad():
        itself_GG = torch.eye(unit_GD.shape[-2], dtype=torch.bool, device=unit_GD.device)
        nearest_G = (unit_GD @ unit_GD.mT).masked_fill(itself_GG, -2.0).argmax(dim=-1)
    neighbour_GD = unit_GD.gather(-2, nearest_G.unsqueeze(-1).expand_as(unit_GD))
    distance_G = (unit_GD - neighbour_GD + DISTANCE_EPS).norm(dim=-1)
    return -(distance_G + DISTANCE_EPS).log().mean(dim=-1)


class KoLeo(nn.Module):
    """`koleo` of the global batch, or the mean over its groups; summed over views.

    Args:
        group: search neighbours within this many consecutive samples of the global batch; None:
            within all of them.
        world: ranks that share the batch.
    """

    def __init__(self, *, group: int | None, world: World) -> None:
        super().__init__()
        self.group = group
        self.world = world

    def forward(self, x: Tensor) -> Tensor:
        """Return the global value for `x` `[B, D]` or `[V, B, D]`, the same on every rank."""
        whole_BD = self.world.gather(at_least_fp32(x), axis=x.ndim - 2)
        group = whole_BD.shape[-2] if self.group is None else self.group
        assert whole_BD.shape[-2] % group == 0, "checked when the plan is compiled"
        groups_GD = whole_BD.unflatten(-2, (-1, group))
        return koleo(groups_GD).mean(dim=-1).sum()
