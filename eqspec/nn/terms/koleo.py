"""The Kozachenko-Leonenko term: samples should keep away from their nearest neighbours.

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
"""Added to each coordinate's difference and to the distance, so that twins cost a finite amount."""


def koleo(x_GD: Tensor) -> Tensor:
    """Mean of −log of the distance to the nearest neighbour, of unit vectors.

    Args:
        x_GD: features `[..., G, D]`; neighbours are sought among the G. Lengths do not matter.

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
    """`koleo` summed over views, over the global batch or the mean over its groups.

    Args:
        group: neighbours are sought within this many consecutive samples of the global batch;
            None for all of them.
        world: the ranks that hold the batch.
    """

    def __init__(self, *, group: int | None, world: World) -> None:
        super().__init__()
        self.group = group
        self.world = world

    def forward(self, x: Tensor) -> Tensor:
        """The term for `x` `[B, D]` or `[V, B, D]`; every rank returns the global value."""
        whole_BD = self.world.gather(at_least_fp32(x), axis=x.ndim - 2)
        group = whole_BD.shape[-2] if self.group is None else self.group
        assert whole_BD.shape[-2] % group == 0, "the plan admits only groups that divide the batch"
        groups_GD = whole_BD.unflatten(-2, (-1, group))
        return koleo(groups_GD).mean(dim=-1).sum()
