"""Case E: cost of reconstruction over iBOT, ViT-S/16."""

from __future__ import annotations

from benchmarks.speed.case import Setting
from benchmarks.speed.work.added_cost import Method, added_cost
from benchmarks.speed.work.training import Size


def size(setting: Setting) -> Size:
    """Return the size of a turn."""
    if setting.device == "cuda":
        return Size(224, 64, 64, steps=8)
    sizes = {"full": Size(224, 4, 8), "quick": Size(224, 2, 4), "toy": Size(56, 2, 4)}
    return sizes[setting.scale]


def spec(setting: Setting, size: Size) -> str:
    """Return the base: iBOT's ViT-S recipe."""
    toy = setting.scale == "toy"
    backbone = "vit_micro_patch8" if toy else "vit_small_patch16"
    settings = ", with: {mask.min_patches: 1, local.count: 2}" if toy else ""
    return f"""\
schema: 1
data: {{use: image-folder}}
image: {size.image}
backbone: {{use: {backbone}}}
method: {{use: ibot{settings}}}
train: {{length: 100000 steps, batch: {size.batch}, precision: bf16}}
"""


METHOD = Method(
    spec,
    "{use: intermediate-reconstruction, transform: {use: rot}, d_equi: 2048}",
    size,
)

CASE = added_cost(
    "iBOT, ViT-S/16, two global and ten local crops, and reconstruction of rotations, bf16",
    METHOD,
)
