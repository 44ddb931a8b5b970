"""Case A in bf16, also beside lightly as it comes, in fp32; on a GPU with a batch of 256."""

from __future__ import annotations

from benchmarks.speed.case import Case, Comparison
from benchmarks.speed.cases.a_fp32 import ABOUT, size
from benchmarks.speed.work.vicreg import SAME, SMALL, contestants, lightly

AS_IT_COMES = "lightly, fp32"


def comparisons(_: object) -> tuple[Comparison, ...]:
    """Return eqspec beside its peers."""
    return (
        Comparison("lightly", "eqspec", at_least=1.2),
        Comparison("timm + torch", "eqspec", at_least=1.2),
        Comparison(AS_IT_COMES, "eqspec", at_least=1.9),
    )


CASE = Case(
    title="ViT-S/16 at 224 px, batch 32 (on a GPU 256), bf16",
    about=ABOUT,
    unit="images",
    contestants=(
        *contestants(SMALL, precision="bf16", size=size),
        lightly(SMALL, precision="fp32", size=size, name=AS_IT_COMES),
    ),
    comparisons=comparisons,
    agree=SAME,
    amount=lambda setting: size(setting).batch * size(setting).steps,
    devices=("cpu", "cuda"),
)
