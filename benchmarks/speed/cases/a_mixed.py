"""Case A, the third: eqspec in bf16 beside lightly as it comes, in fp32."""

from __future__ import annotations

from benchmarks.speed.case import Case, Comparison
from benchmarks.speed.cases.a_fp32 import ABOUT, size
from benchmarks.speed.work.training import TRAINING
from benchmarks.speed.work.vicreg import SMALL, lightly, ours

OURS, LIGHTLY = "eqspec, bf16", "lightly, fp32"

CASE = Case(
    title="ViT-S/16 at 224 px, batch 32: eqspec in bf16, lightly as it comes",
    about=ABOUT,
    unit="images",
    contestants=(
        ours(SMALL, precision="bf16", size=size, name=OURS),
        lightly(SMALL, precision="fp32", size=size, name=LIGHTLY),
    ),
    comparisons=lambda _: (Comparison(LIGHTLY, OURS, at_least=1.9),),
    amount=lambda setting: size(setting).batch * size(setting).steps,
    rounds=TRAINING,
)
