"""Contrast of the tokens of a transformed image with the tokens that the transform predicts.

SER (arXiv:2603.06693). Legend: V views, B samples, G samples of a group, N tokens on a grid of R
rows and C columns, D features, T = G · N.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from eqspec.nn.precision import at_least_fp32

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from eqspec.nn.world import World


def moved(x_ND: Tensor, *, flip: bool, turns: int, grid: tuple[int, int]) -> Tensor:
    """Return the tokens `[..., N, D]` of a mirrored and then turned image, if they followed it.

    Args:
        flip: the image is mirrored, left to right.
        turns: quarter turns, counter-clockwise.
        grid: rows and columns.
    """
    x_RCD = x_ND.unflatten(-2, grid)
    x_RCD = x_RCD.flip(-2) if flip else x_RCD
    return x_RCD.rot90(turns, dims=(-3, -2)).flatten(-3, -2)


def token_contrast(x_GND: Tensor, y_GND: Tensor, *, temperature: float) -> Tensor:
    """Return the mean cross-entropy of finding each token's partner among those of other samples.

    Args:
        x_GND: tokens `[K, G, N, D]` of K groups; vectors are normalised first.
        y_GND: their partners, at the same places. Other tokens of the same sample do not count.
        temperature: divisor of the cosine similarities.

    Returns:
        A scalar, at least float32.
    """
    samples, tokens = x_GND.shape[-3:-1]
    x_TD, y_TD = (F.normalize(at_least_fp32(z), dim=-1).flatten(-3, -2) for z in (x_GND, y_GND))
    logits_TT = x_TD @ y_TD.mT / temperature
    place_T = torch.arange(samples * tokens, device=logits_TT.device)
    sample_T = place_T // tokens
    left_out_TT = (sample_T[:, None] == sample_T) & (place_T[:, None] != place_T)
    # Not −inf, as in `eqspec.nn.terms.contrastive`.
    logits_TT = logits_TT.masked_fill(left_out_TT, torch.finfo(logits_TT.dtype).min)
    return F.cross_entropy(logits_TT.flatten(0, 1), place_T.repeat(len(logits_TT)))


class TokenContrast(nn.Module):
    """`token_contrast` of each transformed view with the first one, averaged over views and groups.

    Every rank returns the global value.

    Args:
        temperature: divisor of the cosine similarities.
        group: number of consecutive samples of the global batch that are compared; None: all.
        moves: of each view but the first, whether it is mirrored, and its quarter turns after that.
        grid: rows and columns of tokens.
        world: ranks that share the batch.
    """

    def __init__(
        self,
        *,
        temperature: float,
        group: int | None,
        moves: Sequence[tuple[bool, int]],
        grid: tuple[int, int],
        world: World,
    ) -> None:
        super().__init__()
        self.temperature = temperature
        self.group = group
        self.moves = tuple(moves)
        self.grid = grid
        self.world = world

    def forward(self, x: Tensor) -> Tensor:
        """Return the term for tokens `[V, B, N, D]`, the first view not transformed."""
        whole_VBND = self.world.gather(at_least_fp32(x), axis=1)
        group = whole_VBND.shape[1] if self.group is None else self.group
        still_BND, *others = whole_VBND.unbind(0)
        costs = [
            token_contrast(
                other_BND.unflatten(0, (-1, group)),
                moved(still_BND, flip=flip, turns=turns, grid=self.grid).unflatten(0, (-1, group)),
                temperature=self.temperature,
            )
            for other_BND, (flip, turns) in zip(others, self.moves, strict=True)
        ]
        return torch.stack(costs).mean()
