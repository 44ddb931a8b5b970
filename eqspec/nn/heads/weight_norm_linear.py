"""Weight-normalised last layer of the heads of DINO and iBOT.

Salimans and Kingma, Weight Normalization (arXiv:1602.07868), equation 2, as DINO (arXiv:2104.14294)
uses it: no bias, one length per row, all lengths initially one. The directions are initialised like
torch's own Linear, not like the rest of the head, because their scale determines how fast a step of
Adam turns them.
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
    """Linear layer with separate length g and direction for each row, without a bias.

    Args:
        features: width of the input.
        width: number of rows, the width of the output.
        train_norm: whether the lengths are trained; otherwise they stay at one.
    """

    def __init__(self, features: int, *, width: int, train_norm: bool) -> None:
        super().__init__()
        self.weight_g = nn.Parameter(torch.ones(width, 1), requires_grad=train_norm)
        self.weight_v = nn.Parameter(torch.ones(width, features))

    def initial_values(self) -> Mapping[str, Rule]:
        """Return the rules: rows of length one in random directions."""
        bound = self.weight_v.shape[1] ** -0.5
        return {"weight_g": Constant(1.0), "weight_v": Uniform(bound)}

    def forward(self, *, x: Tensor) -> Tensor:
        """Map features `[..., D]` to scores `[..., width]`."""
        direction = functional.normalize(at_least_fp32(self.weight_v), dim=1)
        return functional.linear(x, (self.weight_g * direction).to(self.weight_v.dtype))
