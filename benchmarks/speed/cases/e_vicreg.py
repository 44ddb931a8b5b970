"""Case E: cost of reconstruction over VICReg, ViT-S/16."""

from __future__ import annotations

from benchmarks.speed.case import Setting
from benchmarks.speed.work.added_cost import Method, added_cost
from benchmarks.speed.work.training import Size


def size(setting: Setting) -> Size:
    """Return the size of a turn."""
    if setting.device == "cuda":
        return Size(224, 256, 256, steps=8)
    sizes = {"full": Size(224, 16, 16), "quick": Size(224, 4, 8), "toy": Size(32, 4, 8)}
    return sizes[setting.scale]


def spec(_: Setting, size: Size) -> str:
    """Return the base: a row of the paper's table 1."""
    return f"""\
schema: 1
data: {{use: image-folder}}
image: {size.image}
augment: {{use: all}}
backbone: {{use: vit_small_patch16}}
method: {{use: vicreg_sie}}
train: {{length: 100000 steps, batch: {size.batch}, precision: bf16}}
"""


METHOD = Method(
    spec,
    "{use: intermediate-reconstruction, transform: {use: rot}, d_equi: 256}",
    size,
)

CASE = added_cost(
    "VICReg, ViT-S/16, and reconstruction of rotations, bf16",
    METHOD,
)
