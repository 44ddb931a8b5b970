"""Trained encoder for use in other code: images in, tokens out."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FrozenEncoder(nn.Module):
    """Encoder with the pixel normalisation of its training, in eval mode and without gradients.

    Attributes:
        encoder: module that maps normalised images `[B, 3, s, s]`, passed as keyword `images`, to
            tokens `[B, N, D]`.
        prefix: number of leading tokens that are not patches: class token, then registers.
        size: side s of the training images in pixels.
        mean, std: buffers `[3, 1, 1]`, statistics of pixels in [0, 1].
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
        """Return tokens `[B, N, D]`, prefix first, of images `[B, 3, s, s]` in [0, 1]."""
        return self.encoder(images=(images - self.mean) / self.std)
