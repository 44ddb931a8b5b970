"""Light decoder from equivariant patch features to an image.

Equivariance-coherent feature learning (arXiv:2503.18753), figure 1: a token-wise Linear, then
up-convolutions with batch norm and ReLU, the last one with batch norm and a sigmoid. A pixel then
depends on the tokens around it; with transformer blocks after the Linear, which are not the
paper's, it depends on all tokens of both views.
Legend: B samples, N patch tokens, E features of a token, P of a pooled vector, H W image.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from eqspec.nn.layers.batch_norm import GatheredBatchNorm
from eqspec.nn.layers.initialise import Exactly
from eqspec.nn.layers.positions import sincos_positions
from eqspec.nn.layers.transformer_block import TransformerBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from eqspec.nn.layers.initialise import Rule
    from eqspec.nn.world import World


class PixelDecoder(nn.Module):
    """Decoder from patch tokens to pixels in (0, 1) that doubles the grid at each step.

    Args:
        features: width E of a token.
        grid: (rows, columns) of the tokens.
        widths: number of features before each doubling of the grid.
        world: ranks that share a batch.
        group: batch statistics over consecutive groups of this many samples; None: the whole
            batch.
        blocks: transformer blocks between all tokens, before the first doubling.
        heads: of their attention.
        pooled: width P of a vector that is added to every token, after a Linear of its own.
    """

    pos_embed: Tensor

    def __init__(  # noqa: PLR0913 - the paper's decoder and its extension
        self,
        features: int,
        *,
        grid: tuple[int, int],
        widths: tuple[int, ...],
        world: World,
        group: int | None = None,
        blocks: int = 0,
        heads: int = 4,
        pooled: int | None = None,
    ) -> None:
        super().__init__()
        self.grid = grid
        self.linear = nn.Linear(features, widths[0])
        self.given = None if pooled is None else nn.Linear(pooled, widths[0], bias=False)
        self.blocks = nn.ModuleList(TransformerBlock(widths[0], heads=heads) for _ in range(blocks))
        if blocks:
            codes = self._codes().to(torch.get_default_dtype())
            self.register_buffer("pos_embed", codes)
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False)
            for before, after in pairwise((*widths, 3))
        )
        self.norms = nn.ModuleList(
            GatheredBatchNorm(width, world=world, group=group, channel_axis=1)
            for width in (*widths[1:], 3)
        )

    def _codes(self, *, device: str | None = None) -> Tensor:
        width = self.linear.out_features
        return sincos_positions(self.grid, width=width, prefix=0, first="x", device=device)

    def initial_values(self) -> Mapping[str, Rule]:
        """Return the rule of the fixed positions that the blocks read."""
        return {"pos_embed": Exactly(self._codes(device="cpu"))} if self.blocks else {}

    def forward(self, *, x: Tensor, pooled: Tensor | None = None, views: int = 1) -> Tensor:
        """Map tokens `[V·B, N, E]`, and a vector `[V·B, P]`, to images `[V·B, 3, H, W]`."""
        x = self.linear(x)
        if self.given is not None and pooled is not None:
            x = x + self.given(pooled)[:, None]
        if self.blocks:
            x = x + self.pos_embed
        for block in self.blocks:
            x = block(x)
        x = x.mT.unflatten(2, self.grid)
        last = len(self.ups) - 1
        for step, (up, norm) in enumerate(zip(self.ups, self.norms, strict=True)):
            x = norm(up(x), views=views)
            x = functional.relu(x) if step < last else x.sigmoid()
        return x
