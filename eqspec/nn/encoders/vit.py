"""Vision transformer that returns all its tokens and takes everything random as an input.

Dosovitskiy et al., An Image is Worth 16x16 Words (arXiv:2010.11929). Parameters are named as
timm's, so published weights fit. Legend: B samples, N patch tokens, M kept tokens, P prefix tokens
(class token, then registers), D features, L blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from timm.layers.patch_embed import PatchEmbed
from torch import nn
from torch.nn import functional

from eqspec.nn.layers.initialise import (
    Constant,
    Exactly,
    Normal,
    Uniform,
    normal_linears,
    xavier_linears,
)
from eqspec.nn.layers.positions import resample_positions, sincos_positions, square_grid
from eqspec.nn.layers.tokens import take_tokens
from eqspec.nn.layers.transformer_block import TransformerBlock, token_norm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from eqspec.nn.layers.initialise import Rule
    from eqspec.nn.layers.positions import First, Interpolation


@dataclass(frozen=True, slots=True, kw_only=True)
class VitDesign:
    """Architecture of a vision transformer.

    Attributes:
        image_size: side in pixels of the images for which position embeddings are not resampled.
        patch: side of a patch, in pixels.
        width: features of a token.
        depth: number of blocks.
        heads: attention heads.
        mlp: the kind of MLP, see `eqspec.nn.layers.transformer_block`.
        hidden: features inside an MLP.
        class_token: whether the first token is a class token.
        registers: number of register tokens after it, without positions (arXiv:2309.16588).
        mask_token: whether there is a token for masked patches, initially zero.
        layer_scale: initial value of LayerScale; None: no LayerScale.
        positions: learned, or fixed sine-cosine codes; the name tells which coordinate is first.
        pos_interp: interpolation of positions for images of another size.
        init: `vit`, normal 0.02 and torch's default for the patch embedding; `normal`, normal 0.02
            there too (I-JEPA); `xavier`, Xavier everywhere (MAE, MoCo v3).
        prefix_std: initial standard deviation of the prefix tokens.
        taps: number of last blocks whose tokens are concatenated.
    """

    image_size: int
    patch: int
    width: int
    depth: int
    heads: int
    mlp: Literal["gelu", "swiglu"]
    hidden: int
    class_token: bool
    registers: int
    mask_token: bool
    layer_scale: float | None
    positions: Literal["learned", "sincos-x-first", "sincos-row-first"]
    pos_interp: Interpolation
    init: Literal["vit", "normal", "xavier"]
    prefix_std: float
    taps: int = 1

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patch tokens at `image_size`."""
        side = self.image_size // self.patch
        return side, side

    @property
    def sincos_first(self) -> First | None:
        """First coordinate of the fixed position codes; None when positions are learned."""
        firsts: dict[str, First] = {"sincos-x-first": "x", "sincos-row-first": "row"}
        return firsts.get(self.positions)


class VisionTransformerTokens(nn.Module):
    """Vision transformer that returns tokens `[B, P + N, D]` after the final LayerNorm.

    Args:
        design: its architecture.
    """

    pos_embed: Tensor

    def __init__(self, design: VitDesign) -> None:
        super().__init__()
        self.design = design
        width = design.width
        self.patch_embed = PatchEmbed(
            img_size=design.image_size,
            patch_size=design.patch,
            embed_dim=width,
            strict_img_size=False,
        )
        self.cls_token = _tokens(1, width=width) if design.class_token else None
        self.reg_token = _tokens(design.registers, width=width) if design.registers else None
        self.mask_token = nn.Parameter(torch.zeros(1, width)) if design.mask_token else None
        if design.sincos_first is None:
            rows, columns = design.grid
            self.pos_embed = _tokens(design.class_token + rows * columns, width=width)
        else:
            self.register_buffer("pos_embed", self._codes().to(torch.get_default_dtype()))
        self.blocks = nn.ModuleList(
            TransformerBlock(
                width,
                heads=design.heads,
                mlp=design.mlp,
                hidden=design.hidden,
                layer_scale=design.layer_scale,
            )
            for _ in range(design.depth)
        )
        self.norm = token_norm(width)

    def _codes(self, *, device: str | None = None) -> Tensor:
        first = self.design.sincos_first
        assert first is not None, "learned positions are not computed"
        prefix = int(self.design.class_token)
        return sincos_positions(
            self.design.grid, width=self.design.width, prefix=prefix, first=first, device=device
        )

    def initial_values(self) -> Mapping[str, Rule]:
        """Return the rules of iBOT and DINOv2, I-JEPA (`normal`), or MAE and MoCo v3 (`xavier`)."""
        design = self.design
        rules: dict[str, Rule] = {
            "cls_token": Normal(design.prefix_std),
            "reg_token": Normal(design.prefix_std),
            "mask_token": Constant(0.0),
            "pos_embed": Normal(0.02),
        }
        if design.sincos_first is not None:
            rules["pos_embed"] = Exactly(self._codes(device="cpu"))
        if design.init == "normal":
            rules["patch_embed.proj.weight"] = Normal(0.02)
            rules["patch_embed.proj.bias"] = Constant(0.0)
        if design.init != "xavier":
            return rules | normal_linears(self, std=0.02)
        fans = 3 * design.patch**2 + design.width
        rules["patch_embed.proj.weight"] = Uniform((6.0 / fans) ** 0.5)
        rules["patch_embed.proj.bias"] = Constant(0.0)
        return rules | xavier_linears(self)

    def fitted(self, name: str, found: Tensor) -> Tensor | None:
        """Return a tensor of published weights converted to the shape of this model, or None.

        Only positions can be converted: those of another grid are resampled, as for images of
        another size. The position of the class token is zero if the file has none (timm's models
        with registers).
        """
        if name != "pos_embed":
            return None
        wanted = torch.Size(self.pos_embed.shape)
        grid = square_grid(found, prefix=int(self.design.class_token))
        if grid is None or found.shape[-1] != self.design.width:
            return None
        missing = int(self.design.class_token) + grid[0] * grid[1] - found.shape[1]
        padded = functional.pad(found, (0, 0, missing, 0))
        resampled = resample_positions(
            padded, native=grid, grid=self.design.grid, how=self.design.pos_interp
        )
        return resampled if resampled.shape == wanted else None

    def misplaced(self, found: Tensor) -> float:
        """Return the largest error of published positions against fixed codes; 0 if learned."""
        first, prefix = self.design.sincos_first, int(self.design.class_token)
        grid = square_grid(found, prefix=prefix)
        if first is None or grid is None or found.shape[-1] != self.design.width:
            return 0.0
        codes = sincos_positions(grid, width=self.design.width, prefix=0, first=first)
        patches = found[:, found.shape[1] - grid[0] * grid[1] :]
        return float((patches.double().cpu() - codes).abs().max())

    def compilable_blocks(self) -> list[nn.Module]:
        """Return the blocks, which are compiled one by one and share their code."""
        return list(self.blocks)

    def forward(
        self,
        *,
        images: Tensor,
        mask: Tensor | None = None,
        keep: Tensor | None = None,
        valid: Tensor | None = None,
        drop: Tensor | None = None,
        blocks: int | None = None,
    ) -> Tensor:
        """Return tokens `[B, P + N, D]`, or `[B, P + M, D]` if only some patches are kept.

        With several taps, their features are concatenated: `[B, P + N, taps · D]`.

        Args:
            images: `[B, 3, H, W]`, sides multiples of the patch.
            mask: `[B, N]`, true where the mask token replaces the patch.
            keep: ids `[B, M]` of the patches to encode; prefix tokens are always encoded.
            valid: `[B, M]`, true where a kept id is valid; no token attends to the others, and
                their outputs are meaningless.
            drop: multipliers `[B, L, 2]` of the residual branches of each sample.
            blocks: number of blocks to apply, followed by the final LayerNorm; None: all.
        """
        x = self.embed(images=images, mask=mask, keep=keep)
        keys = None if valid is None else _key_mask(valid, prefix=x.shape[1] - valid.shape[1])
        applied = self.blocks[:blocks]
        first = len(applied) - self.design.taps
        tapped: list[Tensor] = []
        for index, block in enumerate(applied):
            x = block(x, None if drop is None else drop[:, index], key_mask=keys)
            if index >= first:
                tapped.append(self.norm(x))
        return tapped[0] if len(tapped) == 1 else torch.cat(tapped, dim=-1)

    def layers(self, images: Tensor, at: Sequence[int]) -> tuple[Tensor, ...]:
        """Tokens after some blocks, each after the final LayerNorm, `[B, P + N, D]`.

        Args:
            images: `[B, 3, H, W]`, sides multiples of the patch.
            at: numbers of blocks, counted from 0.
        """
        x = self.embed(images=images)
        found: dict[int, Tensor] = {}
        for index, block in enumerate(self.blocks):
            x = block(x, None, key_mask=None)
            if index in at:
                found[index] = self.norm(x)
        return tuple(found[index] for index in at)

    def embed(
        self, *, images: Tensor, mask: Tensor | None = None, keep: Tensor | None = None
    ) -> Tensor:
        """Return the input of the first block: prefix tokens, then patches, with positions."""
        x = self.patch_embed(images)
        if mask is not None:
            assert self.mask_token is not None, "a mask needs a mask token"
            x = torch.where(mask[:, :, None], self.mask_token.to(x.dtype), x)
        patch = self.design.patch
        grid = (images.shape[2] // patch, images.shape[3] // patch)
        codes = resample_positions(
            self.pos_embed, native=self.design.grid, grid=grid, how=self.design.pos_interp
        )
        prefix = int(self.design.class_token)
        x = x + codes[:, prefix:]
        if keep is not None:
            x = take_tokens(x, ids=keep)
        front = [] if self.cls_token is None else [self.cls_token + codes[:, :prefix]]
        if self.reg_token is not None:
            front.append(self.reg_token)
        return torch.cat([*(t.expand(x.shape[0], -1, -1) for t in front), x], dim=1)


def _key_mask(valid_BM: Tensor, *, prefix: int) -> Tensor:
    """Return the attention mask `[B, 1, 1, P + M]`: true for the prefix and valid patches."""
    return functional.pad(valid_BM, (prefix, 0), value=True)[:, None, None]


def _tokens(count: int, *, width: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(1, count, width))
