"""Case E: cost of reconstruction over DINOv2, ViT-B/16."""

from __future__ import annotations

from benchmarks.speed.case import Setting
from benchmarks.speed.work.added_cost import Method, added_cost
from benchmarks.speed.work.training import Size


def size(setting: Setting) -> Size:
    """Return the size of a turn."""
    if setting.device == "cuda":
        return Size(224, 64, 64, steps=8)
    sizes = {"full": Size(224, 2, 4), "quick": Size(224, 2, 4), "toy": Size(56, 2, 4)}
    return sizes[setting.scale]


BACKBONES = {"full": "vit_base_patch16", "quick": "vit_small_patch16", "toy": "vit_micro_patch8"}


def spec(setting: Setting, size: Size) -> str:
    """Return the base: DINOv2, with statistics over batches of any size."""
    toy = setting.scale == "toy"
    backbone = BACKBONES[setting.scale]
    small = ", prototypes.width: 64, local.count: 2, masked.min_patches: 1" if toy else ""
    groups = "koleo.group: null, encoder.drop_path_group: null"
    return f"""\
schema: 1
data: {{use: image-folder}}
image: {size.image}
backbone: {{use: {backbone}}}
method: {{use: dinov2, with: {{{groups}{small}}}}}
train: {{length: 100000 steps, batch: {size.batch}, precision: bf16}}
"""


METHOD = Method(
    spec,
    "{use: intermediate-reconstruction, transform: {use: se2}, d_equi: 512}",
    size,
)

CASE = added_cost(
    "DINOv2, ViT-B/16, two global and eight local crops, and reconstruction of rigid motions, bf16",
    METHOD,
)
