"""Case A: training steps of VICReg, ViT-S/16 at 224 pixels, batch 32, in fp32."""

from __future__ import annotations

from benchmarks.speed.case import Case, Comparison, Setting
from benchmarks.speed.work.training import Size
from benchmarks.speed.work.vicreg import SAME, SMALL, lightly, ours

ABOUT = (
    "Training steps of VICReg on JPEGs of 500 × 375: decoding, two views, ViT-S/16 at 224 pixels, "
    "a projector of 2048³, the loss, AdamW."
)


def size(setting: Setting) -> Size:
    """Return the size of a training on a CPU or a GPU."""
    if setting.device == "cuda":
        scales = {"full": Size(224, 256, 2048, steps=20), "quick": Size(224, 256, 1024, steps=8)}
    else:
        scales = {"full": Size(224, 32, 128), "quick": Size(224, 4, 32)}
    return {**scales, "toy": Size(32, 4, 8)}[setting.scale]


def comparisons(_: object) -> tuple[Comparison, ...]:
    """Return eqspec beside its peer; plain torch takes part in bf16."""
    return (Comparison("lightly", "eqspec", at_least=1.0),)


CASE = Case(
    title="ViT-S/16 at 224 px, batch 32, fp32",
    about=ABOUT,
    unit="images",
    contestants=(
        ours(SMALL, precision="fp32", size=size),
        lightly(SMALL, precision="fp32", size=size),
    ),
    comparisons=comparisons,
    agree=SAME,
    amount=lambda setting: size(setting).batch * size(setting).steps,
)
