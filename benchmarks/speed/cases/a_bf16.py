"""Case A, the second: as the first, in bf16; on a GPU with a batch of 256."""

from __future__ import annotations

from benchmarks.speed.case import Case, Comparison
from benchmarks.speed.cases.a_fp32 import ABOUT, size
from benchmarks.speed.work.training import TRAINING
from benchmarks.speed.work.vicreg import SAME, SMALL, contestants


def comparisons(_: object) -> tuple[Comparison, ...]:
    """Return eqspec beside its peers."""
    return (
        Comparison("lightly", "eqspec", at_least=1.2),
        Comparison("timm + torch", "eqspec", at_least=1.2),
    )


CASE = Case(
    title="ViT-S/16 at 224 px, batch 32 (on a GPU 256), bf16",
    about=ABOUT,
    unit="images",
    contestants=contestants(SMALL, precision="bf16", size=size),
    comparisons=comparisons,
    rounds=TRAINING,
    agree=SAME,
    amount=lambda setting: size(setting).batch * size(setting).steps,
    devices=("cpu", "cuda"),
)
