"""The weight-normalised last layer of DINO's and iBOT's heads.

Salimans and Kingma, Weight Normalization (arXiv:1602.07868), equation 2, as DINO (arXiv:2104.14294)
uses it: no bias, one length per row, all lengths one at first. The directions start as torch's own
Linear does, not as the rest of the head: their lengths set how fast a step of Adam turns them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from eqspec.nn.layers.initialise import Constant, Uniform
from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from eqspec.nn.layers.initialise import Rule


class WeightNormLinear(nn.Module):
    """Scores against rows of length g and learned direction; no row depends on another.

    Args:
        features: width of the input.
        width: number of rows.
        train_norm: whether the lengths are trained; otherwise they stay at one.
    """

    def __init__(self, features: int, *, width: int, train_norm: bool) -> None:
        super().__init__()
        self.weight_g = nn.Parameter(torch.ones(width, 1), requires_grad=train_norm)
        self.weight_v = nn.Parameter(torch.ones(width, features))

    def initial_values(self) -> Mapping[str, Rule]:
        """Unit rows in random directions."""
        bound = self.weight_v.shape[1] ** -0.5
        return {"weight_g": Constant(1.0), "weight_v": Uniform(bound)}

    def forward(self, *, x: Tensor) -> Tensor:
        """Features `[..., D]` to scores `[..., width]`."""
        direction = functional.normalize(at_least_fp32(self.weight_v), dim=1)
        return functional.linear(x, (self.weight_g * direction).to(self.weight_v.dtype))
