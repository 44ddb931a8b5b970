"""Features of a frozen model: pooled, or patch tokens side by side.

B images, N tokens (prefix tokens first), D features of the encoder, d of the embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from eqspec.errors import EqspecError
from eqspec.ops.feature_rows import CELLS, CLASS_ALONE, ENCODER, ENCODER_TOKENS

CHUNK = 256
"""Images encoded at a time."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The frozen model under evaluation, in eval mode and without randomness.

    Attributes:
        encoder: function from normalised images `[B, 3, s, s]` to tokens `[B, N, D]`.
        prefix: number of leading tokens that are not patches.
        size: side s of the images in pixels.
        mean, std: per channel, of pixels in [0, 1].
        embedding: function from tokens to `[B, N, d]`, if a rewrite splits the embedding.
        split: (invariant, equivariant) widths of the embedding, with sum d.
        layers: function from normalised images and block numbers to the tokens of each block,
            `[B, N, D]`; None for an encoder without blocks.
        depth: number of blocks.
        state: hash of the weights, part of the key of stored features.
    """

    encoder: Callable[[Tensor], Tensor]
    prefix: int
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    embedding: Callable[[Tensor], Tensor] | None = None
    split: tuple[int, int] | None = None
    device: torch.device | str = "cpu"
    layers: Callable[[Tensor, Sequence[int]], Sequence[Tensor]] | None = None
    depth: int = 0
    state: str = ""

    def __post_init__(self) -> None:
        assert (self.embedding is None) == (self.split is None), "an embedding comes with its split"
        for part in (self.encoder, self.embedding):
            assert not getattr(part, "training", False), "evaluations need the model in eval mode"

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the features that `encode` supports."""
        return (*self.pooled_rows, *self.token_rows)

    @property
    def pooled_rows(self) -> tuple[str, ...]:
        """Those that are pooled over the patches."""
        token = (CLASS_ALONE,) if self.prefix else ()
        return (ENCODER, *token, *(() if self.split is None else ("z_inv", "z_equi")))

    @property
    def token_rows(self) -> tuple[str, ...]:
        """Those that keep the patches apart."""
        parts = () if self.split is None else ("z_inv_tokens", "z_equi_tokens")
        return (ENCODER_TOKENS, *parts)


def encode(subject: Subject, images: Tensor, *, rows: Sequence[str]) -> dict[str, Tensor]:
    """Return features in fp32 by row.

    `encoder` is the class token and the mean patch, `[B, 2D]`; without a class token, the mean
    patch, `[B, D]`. `class_token` is the class token alone, `[B, D]`. `z_inv` and `z_equi` are the
    mean patch of the embedding's parts. The rows of tokens are the patches, averaged to a grid of
    at most `CELLS` × `CELLS`, and flattened: `[B, cells · D]`.

    Args:
        subject: the model.
        images: pixels in [0, 1], `[B, 3, s, s]`.
        rows: some of `subject.rows`.

    Raises:
        EqspecError: a feature is not finite.
    """
    with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
        chunks = [_encode(subject, normalised(subject, c), rows) for c in images.split(CHUNK)]
    features = {row: torch.cat([c[row] for c in chunks]) for row in rows}
    for row, values in features.items():
        if not bool(values.isfinite().all()):
            raise EqspecError(
                f"the features of `{row}` are not finite", help="evaluate an earlier checkpoint"
            )
    return features


def normalised(subject: Subject, images: Tensor) -> Tensor:
    """Return pixels in [0, 1] normalised for the encoder, `[B, 3, s, s]`."""
    mean = images.new_tensor(subject.mean).view(3, 1, 1)
    std = images.new_tensor(subject.std).view(3, 1, 1)
    return (images - mean) / std


def _encode(subject: Subject, images: Tensor, rows: Sequence[str]) -> dict[str, Tensor]:
    tokens = subject.encoder(images)
    patches = tokens[:, subject.prefix :].to(torch.float32)
    parts = {ENCODER: patches}
    if subject.embedding is not None and subject.split is not None:
        z = subject.embedding(tokens)[:, subject.prefix :].to(torch.float32)
        parts["z_inv"], parts["z_equi"] = z.split(list(subject.split), dim=2)
    found = {name: x.mean(dim=1) for name, x in parts.items()}
    wanted = (name for name in parts if f"{name}_tokens" in rows)
    found |= {f"{name}_tokens": _side_by_side(parts[name]) for name in wanted}
    if subject.prefix:
        found[CLASS_ALONE] = tokens[:, 0].to(torch.float32)
        found[ENCODER] = torch.cat([found[CLASS_ALONE], found[ENCODER]], dim=1)
    return {row: found[row] for row in rows}


def _side_by_side(patches_BND: Tensor) -> Tensor:
    """Return patch tokens of a square grid, averaged to few cells and flattened, `[B, cells·D]`."""
    side = round(patches_BND.shape[1] ** 0.5)
    grid = patches_BND.mT.unflatten(2, (side, side))
    return functional.adaptive_avg_pool2d(grid, min(side, CELLS)).flatten(2).mT.flatten(1)
