"""A trained encoder as other code takes it: images in, tokens out."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FrozenEncoder(nn.Module):
    """An encoder with the normalisation that it was trained with; in eval mode, without gradients.

    Attributes:
        encoder: normalised images `[B, 3, s, s]` as keyword `images` → tokens `[B, N, D]`.
        prefix: how many leading tokens are no patches: class token first, then registers.
        size: side s of the images in pixels that it was trained on.
        mean, std: buffers `[3, 1, 1]`, of pixels in [0, 1].
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        *,
        prefix: int,
        size: int,
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.prefix = prefix
        self.size = size
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1))
        self.requires_grad_(requires_grad=False).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Tokens `[B, N, D]`, prefix tokens first, of pixels in [0, 1], `[B, 3, s, s]`."""
        return self.encoder(images=(images - self.mean) / self.std)
