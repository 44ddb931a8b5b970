"""Predictor of I-JEPA, from context tokens to the tokens of target blocks.

Assran et al., Self-Supervised Learning from Images with a Joint-Embedding Predictive Architecture
(arXiv:2301.08243), section 3. Legend: B samples, M context tokens, T target blocks, P tokens of a
block, D features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from eqspec.nn.layers.initialise import Exactly, Normal, normal_linears
from eqspec.nn.layers.positions import sincos_positions
from eqspec.nn.layers.tokens import take_tokens
from eqspec.nn.layers.transformer_block import TransformerBlock, token_norm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from eqspec.nn.layers.initialise import Rule


class LatentPredictor(nn.Module):
    """Narrow transformer that reads context tokens and one query per position to predict.

    Args:
        features: width D of the encoder's tokens, and of the predictions.
        grid: (rows, columns) of all patches.
        width: features of a token in the predictor.
        depth: number of blocks.
        heads: attention heads.
    """

    pos_embed: Tensor

    def __init__(
        self, features: int, *, grid: tuple[int, int], width: int, depth: int, heads: int
    ) -> None:
        super().__init__()
        self.grid = grid
        self.embed = nn.Linear(features, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, 1, width))
        self.register_buffer("pos_embed", self._codes().to(torch.get_default_dtype()))
        self.blocks = nn.ModuleList(TransformerBlock(width, heads=heads) for _ in range(depth))
        self.norm = token_norm(width)
        self.project = nn.Linear(width, features)

    def _codes(self, *, device: str | None = None) -> Tensor:
        width = self.embed.out_features
        return sincos_positions(self.grid, width=width, prefix=0, first="x", device=device)

    def initial_values(self) -> Mapping[str, Rule]:
        """Return the rules: normal 0.02 and fixed positions, as in the encoder."""
        own: dict[str, Rule] = {
            "mask_token": Normal(0.02),
            "pos_embed": Exactly(self._codes(device="cpu")),
        }
        return own | normal_linears(self, std=0.02)

    def forward(
        self,
        *,
        x: Tensor,
        context: Tensor,
        want: Tensor,
        context_valid: Tensor | None = None,
        want_valid: Tensor | None = None,
    ) -> Tensor:
        """Return predicted tokens `[B, T, P, D]`; target blocks do not attend to each other.

        Args:
            x: context tokens `[B, M, D]`.
            context: ids `[B, M]` of the context tokens.
            want: ids `[B, T, P]` of the tokens to predict.
            context_valid: `[B, M]`, true where a context token is valid; None: all are.
            want_valid: `[B, T, P]`, true where an id to predict is valid; None: all are. No token
                attends to the others, and their predictions are meaningless.
        """
        codes = self.pos_embed.expand(x.shape[0], -1, -1)
        context_BMD = self.embed(x) + take_tokens(codes, ids=context)
        query_BTPD = self.mask_token + take_tokens(codes, ids=want)
        targets, queries = want.shape[1:]
        context_BTMD = context_BMD[:, None].expand(-1, targets, -1, -1)
        y = torch.cat([context_BTMD, query_BTPD.to(context_BTMD.dtype)], dim=2).flatten(0, 1)
        keys = _key_mask(context, want, context_valid=context_valid, want_valid=want_valid)
        for block in self.blocks:
            y = block(y, key_mask=keys)
        predicted = self.project(self.norm(y)[:, -queries:])
        return predicted.unflatten(0, (-1, targets))


def _key_mask(
    context: Tensor, want: Tensor, *, context_valid: Tensor | None, want_valid: Tensor | None
) -> Tensor | None:
    """Return the attention mask `[B·T, 1, 1, M + P]`, true for valid tokens; None for all."""
    if context_valid is None and want_valid is None:
        return None
    context_BM = (
        torch.ones_like(context, dtype=torch.bool) if context_valid is None else context_valid
    )
    query_BTP = torch.ones_like(want, dtype=torch.bool) if want_valid is None else want_valid
    context_BTM = context_BM[:, None].expand(-1, want.shape[1], -1)
    return torch.cat([context_BTM, query_BTP], dim=2).flatten(0, 1)[:, None, None]
