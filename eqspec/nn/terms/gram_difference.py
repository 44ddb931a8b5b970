"""Difference of the angles between samples before and after one change of them all.

CARE (arXiv:2306.13924), section 3. Legend: B samples, G samples of a group, D features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.nn.world import World


def gram_difference(x_GD: Tensor, y_GD: Tensor) -> Tensor:
    """Return 2 · the mean over samples i of Σ_j (x_i·x_j − y_i·y_j)², for unit vectors.

    It is zero exactly where one rotation (or reflection) turns all x into their y.

    Args:
        x_GD: features of the samples under one change `[..., G, D]`, normalised first.
        y_GD: features of the same samples under another one.

    Returns:
        One value per leading index `[...]`, at least float32.
    """
    x_GD, y_GD = (F.normalize(at_least_fp32(z), dim=-1) for z in (x_GD, y_GD))
    apart_GG = x_GD @ x_GD.mT - y_GD @ y_GD.mT
    return 2.0 * apart_GG.square().sum(dim=-1).mean(dim=-1)


class GramDifference(nn.Module):
    """`gram_difference` of each group of the global batch, averaged over groups and views.

    Args:
        group: number of consecutive samples of the global batch that share their changes; None:
            all of them.
        world: ranks that share the batch.
    """

    def __init__(self, *, group: int | None, world: World) -> None:
        super().__init__()
        self.group = group
        self.world = world

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the global value for `x` and `y` `[B, D]` or `[V, B, D]`."""
        wholes_BD = [self.world.gather(at_least_fp32(z), axis=z.ndim - 2) for z in (x, y)]
        group = wholes_BD[0].shape[-2] if self.group is None else self.group
        assert wholes_BD[0].shape[-2] % group == 0, "checked when the plan is compiled"
        x_GD, y_GD = (whole_BD.unflatten(-2, (-1, group)) for whole_BD in wholes_BD)
        return gram_difference(x_GD, y_GD).mean()
