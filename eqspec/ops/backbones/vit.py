"""A vision transformer that returns its class token, registers and patch tokens.

Dosovitskiy et al., An Image is Worth 16x16 Words (arXiv:2010.11929), figure 1; registers of Darcet
et al. (arXiv:2309.16588); stochastic depth of Huang et al. (arXiv:1603.09382), or of subsets of the
batch (DINOv2, arXiv:2304.07193, section 5), passed in through the port `drop`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from eqspec.ops.example import Example, stream
from eqspec.ops.op import OpParams, Port, PortError, Streams, StreamType, need_axes
from eqspec.ops.weights import Disagreement, Shapes, compared

if TYPE_CHECKING:
    from torch import nn

    from eqspec.nn.world import World

rev = 1
ports = (
    Port("images"),
    Port("mask", optional=True),
    Port("keep", optional=True),
    Port("valid", optional=True),
    Port("drop", optional=True),
)


class Params(OpParams):
    """Architecture of the transformer.

    Attributes:
        patch: side of a patch in pixels.
        width: features of a token.
        depth: number of blocks.
        heads: attention heads; must divide the width.
        mlp: `gelu`, or `swiglu` (Shazeer, arXiv:2002.05202), which has gates in addition.
        mlp_ratio: hidden width of the MLPs divided by the width; for `swiglu` including the gates.
        class_token: whether the first token is a class token.
        registers: number of register tokens after it, without positions.
        mask_token: whether there is a token for masked patches, initially zero.
        layer_scale: initial value of LayerScale on both branches; None: no LayerScale.
        positions: learned, or fixed sine-cosine codes with the column (`x`) or the row first.
        pos_interp: interpolation of positions for images of another size, as in timm
            (antialiased) or as in DINO.
        drop_path: rate of dropped residual branches.
        drop_path_shape: whether the rate grows linearly with depth up to `drop_path`, or is
            uniform.
        drop_path_draw: whether to drop each sample independently (`bernoulli`), or to keep a random
            `subset` of fixed size, max(int(n · (1 − rate)), 1) of n views, with branches scaled up
            by n divided by that number.
        drop_path_group: subsets are drawn from the views of this many consecutive samples (the
            batch per device of a paper; must divide the batch); None: the whole batch.
        freeze: parts that are not trained.
        taps: number of last blocks whose tokens, each after the final norm, are concatenated.
        init: `vit`, normal 0.02 except for the patch embedding (iBOT, DINOv2); `normal`, there too
            (I-JEPA); `xavier`, including the patch embedding (MAE, MoCo v3).
        prefix_std: initial standard deviation of class token and registers.
        image_size: side in pixels of the images for which positions are not resampled; None: the
            size for which the module is built. Filled in by the compiler.
    """

    patch: int = Field(gt=0)
    width: int = Field(gt=0)
    depth: int = Field(gt=0)
    heads: int = Field(gt=0)
    mlp: Literal["gelu", "swiglu"] = "gelu"
    mlp_ratio: float = Field(default=4.0, gt=0)
    class_token: bool = True
    registers: int = Field(default=0, ge=0)
    mask_token: Literal["none", "zeros"] = "none"  # noqa: S105 - no password
    layer_scale: float | None = None
    positions: Literal["learned", "sincos-x-first", "sincos-row-first"] = "learned"
    pos_interp: Literal["timm", "dino"] = "timm"
    drop_path: float = Field(default=0.0, ge=0, lt=1)
    drop_path_shape: Literal["linear", "uniform"] = "linear"
    drop_path_draw: Literal["bernoulli", "subset"] = "bernoulli"
    drop_path_group: int | None = Field(default=None, gt=0)
    freeze: tuple[Literal["patch_embed"], ...] = ()
    taps: int = Field(default=1, gt=0)
    init: Literal["vit", "normal", "xavier"] = "vit"
    prefix_std: float = Field(default=0.02, ge=0)
    image_size: int | None = Field(default=None, gt=0)

    @property
    def hidden(self) -> int:
        """Features inside an MLP."""
        return round(self.width * self.mlp_ratio)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.mlp == "swiglu" and self.hidden % 2:
            raise ValueError(f"swiglu needs an even hidden width, not {self.hidden}")
        if self.taps > self.depth:
            raise ValueError(f"taps = {self.taps} is more than the {self.depth} blocks there are")
        if self.width % self.heads:
            raise ValueError(f"heads = {self.heads} does not divide width = {self.width}")
        if self.drop_path_group is not None and self.drop_path_draw != "subset":
            raise ValueError("`drop_path_group` needs `drop_path_draw: subset`")
        if self.positions != "learned" and self.width % 4:
            raise ValueError(f"fixed positions need a multiple of 4, not width = {self.width}")
        return self


examples = MappingProxyType(
    {
        "": Example(
            {"images": stream("VBCHW", 2, 3, 16, 16)},
            {"patch": 4, "width": 16, "depth": 2, "heads": 2},
        ),
        "masked": Example(
            {
                "images": stream("VBCHW", 2, 3, 16, 16),
                "mask": stream("VBN", 2, 16, dtype="bool", grid=(4, 4)),
            },
            {
                "patch": 4,
                "width": 16,
                "depth": 1,
                "heads": 2,
                "mask_token": "zeros",
                "layer_scale": 0.1,
                "registers": 2,
            },
        ),
        "kept and dropped": Example(
            {
                "images": stream("VBCHW", 2, 3, 16, 16),
                "keep": stream("VBM", 2, 5, dtype="int", grid=(4, 4)),
                "drop": stream("VBLP", 2, 1, 2),
            },
            {
                "patch": 4,
                "width": 16,
                "depth": 1,
                "heads": 2,
                "class_token": False,
                "positions": "sincos-x-first",
                "init": "xavier",
            },
        ),
        "local": Example(
            {"images": stream("VBCHW", 2, 3, 8, 8)},
            {
                "patch": 4,
                "width": 16,
                "depth": 1,
                "heads": 2,
                "image_size": 16,
                "pos_interp": "dino",
            },
        ),
    }
)


def shapes(params: Params, streams: Streams) -> StreamType:
    """Tokens `[…, B, N, D]` of images `[…, B, 3, H, W]`; without a grid if only some are kept."""
    images = need_axes(streams, "images", "B", "C", "H", "W")
    height, width = images.size("H"), images.size("W")
    if images.size("C") != 3 or height % params.patch or width % params.patch:
        raise PortError(
            "images", f"needs 3 channels and sides in multiples of {params.patch}, reads {images}"
        )
    grid = (height // params.patch, width // params.patch)
    _check_mask(params, streams, patches=grid[0] * grid[1])
    _check_drop(params, streams)
    prefix = params.class_token + params.registers
    keep = need_axes(streams, "keep", "B", "M") if "keep" in streams else None
    if "valid" in streams and (keep is None or streams["valid"].sizes != keep.sizes):
        raise PortError("valid", f"needs one truth value per kept id, reads {streams['valid']}")
    patches = grid[0] * grid[1] if keep is None else keep.size("M")
    return StreamType(
        axes=(*images.axes[:-3], "N", "D"),
        sizes=(*images.sizes[:-3], prefix + patches, params.taps * params.width),
        prefix=prefix,
        grid=grid if keep is None else None,
    )


def _check_mask(params: Params, streams: Streams, *, patches: int) -> None:
    if "mask" not in streams:
        return
    mask = need_axes(streams, "mask", "B", "N")
    if params.mask_token == "none":  # noqa: S105 - no password
        raise PortError("mask", "a mask needs a mask token: set `mask_token: zeros`")
    if mask.size("N") != patches:
        raise PortError("mask", f"has {mask.size('N')} entries for {patches} patches")


def _check_drop(params: Params, streams: Streams) -> None:
    if "drop" not in streams:
        return
    drop = need_axes(streams, "drop", "B", "L")
    if drop.size("L") != params.depth:
        raise PortError("drop", f"has {drop.size('L')} entries for {params.depth} blocks")


def drop_path_rates(params: Params) -> tuple[float, ...]:
    """Return the drop rate of the residual branches of each block, in [0, 1)."""
    if params.drop_path_shape == "uniform":
        return (params.drop_path,) * params.depth
    last = max(params.depth - 1, 1)
    return tuple(params.drop_path * index / last for index in range(params.depth))


def drop_path_sampling(params: Params) -> tuple[Literal["bernoulli", "subset"], int | None]:
    """Return how dropped branches are drawn, and the group size in samples (None: all)."""
    return params.drop_path_draw, params.drop_path_group


def blocks(params: Params) -> int:
    """Return the number of blocks; none of them alone has the width of several taps."""
    return params.depth if params.taps == 1 else 0


def layers(params: Params) -> tuple[tuple[str, ...], ...]:
    """Return the parameter name prefixes of each layer, from the embeddings to the last norm."""
    embeddings = ("patch_embed", "cls_token", "reg_token", "mask_token", "pos_embed")
    return (embeddings, *((f"blocks.{index}",) for index in range(params.depth)), ("norm",))


def disagreements(params: Params, shapes: Shapes) -> tuple[Disagreement, ...]:
    """Return the differences between the parameters and a file of published weights.

    The number of heads cannot be read from shapes.
    """
    kernel = shapes.get("patch_embed.proj.weight", ())
    if len(kernel) != 4:
        return (Disagreement("impl", "vit", "no patch embedding"),)
    here = {
        "patch": params.patch,
        "width": params.width,
        "depth": params.depth,
        "class_token": params.class_token,
        "registers": params.registers,
        "layer_scale": params.layer_scale is not None,
        "mlp": params.mlp,
        "hidden width": params.hidden,
    }
    return tuple(compared(here, _inferred(shapes, kernel=kernel)))


def _inferred(shapes: Shapes, *, kernel: tuple[int, ...]) -> Mapping[str, object]:
    """Return the parameters of a vision transformer inferred from names and shapes."""
    numbers = {int(at) for name in shapes if (at := _block(name)).isdecimal()}
    inferred: dict[str, object] = {
        "patch": kernel[2],
        "width": kernel[0],
        "depth": max(numbers, default=-1) + 1,
        "class_token": "cls_token" in shapes,
        "registers": (*shapes.get("reg_token", ()), 0, 0)[1],
        "layer_scale": "blocks.0.ls1.gamma" in shapes,
    }
    inner, outer = (shapes.get(f"blocks.0.mlp.fc{at}.weight", ()) for at in (1, 2))
    if len(inner) == len(outer) == 2:
        mlp = "swiglu" if inner[0] == 2 * outer[1] else "gelu"
        inferred |= {"mlp": mlp, "hidden width": inner[0]}
    return inferred


def _block(name: str) -> str:
    """Return the number of the block of a parameter, or an empty text if it is in none."""
    first, _, rest = name.partition(".")
    return rest.partition(".")[0] if first == "blocks" else ""


def build(params: Params, streams: Streams, *, world: World) -> nn.Module:  # noqa: ARG001 - the contract of ops
    """Return the module; see `eqspec.nn.encoders.vit`."""
    from eqspec.nn.encoders.vit import VisionTransformerTokens, VitDesign

    design = VitDesign(
        image_size=params.image_size or streams["images"].size("H"),
        patch=params.patch,
        width=params.width,
        depth=params.depth,
        heads=params.heads,
        mlp=params.mlp,
        hidden=params.hidden,
        class_token=params.class_token,
        registers=params.registers,
        mask_token=params.mask_token == "zeros",  # noqa: S105 - no password
        layer_scale=params.layer_scale,
        positions=params.positions,
        pos_interp=params.pos_interp,
        init=params.init,
        prefix_std=params.prefix_std,
        taps=params.taps,
    )
    vit = VisionTransformerTokens(design)
    for part in params.freeze:
        vit.get_submodule(part).requires_grad_(requires_grad=False)
    return vit
