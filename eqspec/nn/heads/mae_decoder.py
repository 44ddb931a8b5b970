"""Decoder of masked autoencoders.

He et al., Masked Autoencoders Are Scalable Vision Learners (arXiv:2111.06377), section 3.
Legend: B samples, P prefix tokens, M kept patches, N all patches, D features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from eqspec.nn.layers.initialise import Exactly, Normal, xavier_linears
from eqspec.nn.layers.positions import sincos_positions
from eqspec.nn.layers.transformer_block import TransformerBlock, token_norm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from eqspec.nn.layers.initialise import Rule


class MaeDecoder(nn.Module):
    """Transformer that predicts the pixels of all patches from the tokens of the kept ones.

    Args:
        features: width D of the encoder's tokens.
        prefix: number of prefix tokens.
        grid: (rows, columns) of all patches.
        outputs: values per patch, ordered row, column, channel.
        width: features of a token in the decoder.
        depth: number of blocks.
        heads: attention heads.
    """

    pos_embed: Tensor

    def __init__(  # noqa: PLR0913 - a transformer and what it reads
        self,
        features: int,
        *,
        prefix: int,
        grid: tuple[int, int],
        outputs: int,
        width: int,
        depth: int,
        heads: int,
    ) -> None:
        super().__init__()
        self.prefix = prefix
        self.grid = grid
        self.embed = nn.Linear(features, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.register_buffer("pos_embed", self._codes().to(torch.get_default_dtype()))
        self.blocks = nn.ModuleList(TransformerBlock(width, heads=heads) for _ in range(depth))
        self.norm = token_norm(width)
        self.pixels = nn.Linear(width, outputs)

    def _codes(self, *, device: str | None = None) -> Tensor:
        width = self.embed.out_features
        return sincos_positions(
            self.grid, width=width, prefix=self.prefix, first="x", device=device
        )

    def initial_values(self) -> Mapping[str, Rule]:
        """Return the rules: Xavier, a normal mask token and fixed positions, as in the encoder."""
        own: dict[str, Rule] = {
            "mask_token": Normal(0.02),
            "pos_embed": Exactly(self._codes(device="cpu")),
        }
        return own | xavier_linears(self)

    def forward(self, *, x: Tensor, keep: Tensor) -> Tensor:
        """Return predicted pixels `[B, N, outputs]`.

        Args:
            x: tokens `[B, P + M, D]`.
            keep: ids `[B, M]` of the patches to which the tokens after the prefix belong.
        """
        x = self.embed(x)
        rows, columns = self.grid
        masked = self.mask_token.to(x.dtype).expand(x.shape[0], rows * columns, -1)
        kept = x[:, self.prefix :]
        patches = masked.scatter(1, keep[:, :, None].expand_as(kept), kept)
        x = torch.cat([x[:, : self.prefix], patches], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.pixels(self.norm(x)[:, self.prefix :])
