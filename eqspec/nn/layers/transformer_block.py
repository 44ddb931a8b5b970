"""Transformer block of encoders, decoders and predictors."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from timm.layers.attention import Attention
from timm.layers.layer_scale import LayerScale
from timm.layers.mlp import GluMlp, Mlp
from torch import nn

from eqspec.nn.layers.initialise import Constant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from eqspec.nn.layers.initialise import Rule

token_norm = partial(nn.LayerNorm, eps=1e-6)
"""LayerNorm of all vision transformers."""


class TransformerBlock(nn.Module):
    """Pre-norm transformer block (Dosovitskiy et al., arXiv:2010.11929).

    Parameters have the names of timm's block. Draws no random numbers: stochastic depth is passed
    in as multipliers.

    Args:
        width: features of a token.
        heads: attention heads; must divide the width.
        mlp: `gelu`; or `swiglu`, SiLU of one half of the hidden features times the other half.
        hidden: features inside the MLP, both halves of `swiglu`; None: four times the width.
        layer_scale: initial value of LayerScale (arXiv:2103.17239) on both branches; None: none.
    """

    def __init__(
        self,
        width: int,
        *,
        heads: int,
        mlp: Literal["gelu", "swiglu"] = "gelu",
        hidden: int | None = None,
        layer_scale: float | None = None,
    ) -> None:
        super().__init__()
        self.layer_scale = layer_scale
        self.norm1 = token_norm(width)
        self.attn = Attention(width, num_heads=heads, qkv_bias=True)
        self.norm2 = token_norm(width)
        inside = 4 * width if hidden is None else hidden
        if mlp == "swiglu":
            self.mlp = GluMlp(width, hidden_features=inside, act_layer=nn.SiLU, gate_last=False)
        else:
            self.mlp = Mlp(width, hidden_features=inside)
        scaled = layer_scale is not None
        self.ls1 = LayerScale(width, init_values=layer_scale) if scaled else nn.Identity()
        self.ls2 = LayerScale(width, init_values=layer_scale) if scaled else nn.Identity()

    def initial_values(self) -> Mapping[str, Rule]:
        """Return the rule of LayerScale; the module that owns the block defines the others."""
        if self.layer_scale is None:
            return {}
        return {f"{branch}.gamma": Constant(self.layer_scale) for branch in ("ls1", "ls2")}

    def forward(
        self, x: Tensor, drop: Tensor | None = None, *, key_mask: Tensor | None = None
    ) -> Tensor:
        """Apply attention and the MLP to tokens `[B, N, D]`.

        Args:
            x: tokens `[B, N, D]`.
            drop: multipliers `[B, 2]` of the attention and the MLP branch of each sample; zero for
                a dropped branch.
            key_mask: `[B, 1, 1, N]`, true for tokens that may be attended to; None: all may.
        """
        x = x + _scaled(self.ls1(self.attn(self.norm1(x), attn_mask=key_mask)), drop, branch=0)
        return x + _scaled(self.ls2(self.mlp(self.norm2(x))), drop, branch=1)


def _scaled(residual: Tensor, drop: Tensor | None, *, branch: int) -> Tensor:
    if drop is None:
        return residual
    return residual * drop[:, branch, None, None].to(residual.dtype)
