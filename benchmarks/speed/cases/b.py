"""Case B: training steps of VICReg on small images."""

from __future__ import annotations

from benchmarks.speed.case import Case, Comparison
from benchmarks.speed.cases.g import size
from benchmarks.speed.work.vicreg import SAME, TINY, contestants

CASE = Case(
    title="ViT-Ti/16 at 64 px, batch 128, fp32",
    about=(
        "Training steps of VICReg on JPEGs of 500 × 375: decoding, two views, ViT-Ti/16 at 64 "
        "pixels, a projector of 2048³, the loss, AdamW. Reading images counts more than in case A."
    ),
    unit="images",
    contestants=contestants(TINY, precision="fp32", size=size),
    comparisons=lambda _: (
        Comparison("lightly", "eqspec", at_least=1.35),
        Comparison("timm + torch", "eqspec", at_least=1.35),
    ),
    amount=lambda setting: size(setting).batch * size(setting).steps,
    agree=SAME,
)
