"""Case E: cost of reconstruction in the small setting, 32 pixels."""

from __future__ import annotations

from benchmarks.speed.case import Setting
from benchmarks.speed.work.added_cost import Method, added_cost
from benchmarks.speed.work.training import Size


def size(setting: Setting) -> Size:
    """Return the size of a turn."""
    sizes = {"full": Size(32, 64, 64, steps=4), "quick": Size(32, 64, 64), "toy": Size(32, 4, 8)}
    return sizes[setting.scale]


def spec(_: Setting, size: Size) -> str:
    """Return the base: VICReg as in the small specs."""
    return f"""\
schema: 1
data: {{use: image-folder}}
image: {size.image}
backbone: {{use: vit_micro_patch8}}
method: {{use: vicreg, with: {{embed.width: 256, projector.widths: [256, 256, 256]}}}}
train:
  length: 100000 steps
  batch: {size.batch}
  optimizer: {{impl: adamw, params: {{lr: 1.0e-3, weight_decay: 0.05}}}}
"""


METHOD = Method(
    spec,
    "{use: intermediate-reconstruction, transform: {use: se2}, split: 0.5, lambda: 300.0, "
    "reduction: mean-over-variance, border: canvas, with: {decoder_k.width: 64}}",
    size,
)

CASE = added_cost(
    "VICReg, 32 px, patch 8, width 128, and reconstruction of rigid motions, fp32",
    METHOD,
    most=1.2,
)
