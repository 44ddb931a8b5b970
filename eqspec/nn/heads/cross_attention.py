"""Cross-attention block that mixes the tokens of two views.

Pre-norm (Vaswani et al., arXiv:1706.03762, with the norms of arXiv:2010.11929). Legend: B samples,
N tokens of the query, M tokens of the keys, D features, H heads, E features of a head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional

from eqspec.nn.layers.transformer_block import token_norm

if TYPE_CHECKING:
    from torch import Tensor


class CrossAttentionBlock(nn.Module):
    """Cross-attention to the tokens of another image, then an MLP, each with a residual connection.

    Args:
        width: features of a token.
        heads: attention heads; must divide the width.
        mlp_ratio: hidden width of the MLP divided by the width.
    """

    def __init__(self, width: int, *, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_query = token_norm(width)
        self.norm_keys = token_norm(width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.mixed = nn.Linear(width, width)
        self.norm_mlp = token_norm(width)
        self.hidden = nn.Linear(width, int(width * mlp_ratio))
        self.shown = nn.Linear(int(width * mlp_ratio), width)

    def forward(self, *, query: Tensor, keys: Tensor) -> Tensor:
        """Return tokens `[B, N, D]` of `query` `[B, N, D]`, which attends to `keys` `[B, M, D]`."""
        normed_keys, normed_query = self.norm_keys(keys), self.norm_query(query)
        attended_BHNE = functional.scaled_dot_product_attention(
            self._by_head(self.query(normed_query)),
            self._by_head(self.key(normed_keys)),
            self._by_head(self.value(normed_keys)),
        )
        x = query + self.mixed(attended_BHNE.transpose(1, 2).flatten(2))
        return x + self.shown(functional.gelu(self.hidden(self.norm_mlp(x))))

    def _by_head(self, x_BND: Tensor) -> Tensor:
        return x_BND.unflatten(-1, (self.heads, -1)).transpose(1, 2)
