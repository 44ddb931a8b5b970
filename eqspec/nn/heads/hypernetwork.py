"""Linear predictor whose weights are generated from the action.

Garrido et al., Self-supervised learning of Split Invariant Equivariant representations
(arXiv:2302.10283), section 4: one linear map from the group element to a weight matrix. In STL
(arXiv:2501.08712) the action is one that another image under the same change gave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from eqspec.nn.world import World


class Hypernetwork(nn.Module):
    """Prediction W(z) x with W(z) = Σ_c z_c W_c, without an additive bias.

    Args:
        features: width D of x and of the prediction.
        actions: width A of z.
        bias: whether W(z) has a constant part that does not depend on z.
    """

    def __init__(self, features: int, *, actions: int, bias: bool) -> None:
        super().__init__()
        self.generator = nn.Linear(actions, features * features, bias=bias)

    def forward(self, *, x: Tensor, action: Tensor) -> Tensor:
        """Return predictions `[..., D]`.

        Args:
            x: features `[..., D]`; additional axes (tokens) share one action.
            action: z, `[..., A]`; its leading axes are the first axes of `x`.

        Raises:
            ValueError: when the leading axes differ, as broadcasting would then mix samples.
        """
        leading = action.shape[:-1]
        if x.shape[: len(leading)] != leading or x.ndim <= len(leading):
            raise ValueError(
                f"actions {tuple(action.shape)} do not match features {tuple(x.shape)}: all axes "
                "of the action but the last must be the first axes of the features"
            )
        features, actions = x.shape[-1], action.shape[-1]
        # x first: the weights of a single sample are D·D numbers, but its mixtures only A·D.
        weight_OCD = self.generator.weight.unflatten(0, (features, features)).transpose(1, 2)
        mixtures = functional.linear(x, weight_OCD.flatten(0, 1)).unflatten(-1, (features, actions))
        shared = action[(..., *[None] * (x.ndim - action.ndim), slice(None))]
        predicted = torch.einsum("...oc,...c->...o", mixtures, shared.to(mixtures.dtype))
        if self.generator.bias is None:
            return predicted
        return predicted + functional.linear(
            x, self.generator.bias.unflatten(0, (features, features))
        )


class NeighbourHypernetwork(Hypernetwork):
    """Prediction W(z') x, where z' is the action of the sample's neighbour in the global batch.

    Samples 2i and 2i + 1 are neighbours.

    Args:
        features: width D of x and of the prediction.
        actions: width A of z.
        bias: whether W(z) has a constant part that does not depend on z.
        world: ranks that share the batch.
    """

    def __init__(self, features: int, *, actions: int, bias: bool, world: World) -> None:
        super().__init__(features, actions=actions, bias=bias)
        self.world = world

    def forward(self, *, x: Tensor, action: Tensor) -> Tensor:
        """Return predictions `[B, D]` from features `[B, D]` and actions `[B, A]`."""
        whole = self.world.gather(action, axis=0)
        swapped = whole.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
        first = self.world.rank * len(x)
        return super().forward(x=x, action=swapped[first : first + len(x)])
