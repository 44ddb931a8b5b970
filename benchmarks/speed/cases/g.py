"""Case G: training steps with data beside steps on one batch that is read once."""

from __future__ import annotations

from benchmarks.speed.case import Case, Comparison, Contestant, Setting, Work
from benchmarks.speed.work.training import WARM_UP, Size
from benchmarks.speed.work.vicreg import SMALL, TINY, ours

DATA, CONSTANT = "with data", "one batch"


def size(setting: Setting) -> Size:
    """Return the size of a turn: small images on a CPU, where reading counts most."""
    if setting.device == "cuda":
        return Size(224, 256, 2048, steps=20 if setting.scale == "full" else 8)
    sizes = {
        "full": Size(64, 128, 512, steps=2),
        "quick": Size(64, 32, 64),
        "toy": Size(32, 4, 8),
    }
    return sizes[setting.scale]


def contestant(name: str, *, constant: bool) -> Contestant:
    """Return eqspec with the model that suits the device."""

    def prepare(setting: Setting) -> Work:
        small = setting.device == "cuda"
        encoder, precision = (SMALL, "bf16") if small else (TINY, "fp32")
        one = ours(encoder, precision=precision, size=size, name=name, constant=constant)
        return one.prepare(setting)

    return Contestant(name, prepare, warm_up=WARM_UP)


CASE = Case(
    title="ViT-Ti/16 at 64 px, batch 128, fp32; on a GPU ViT-S/16 at 224 px, batch 256, bf16",
    about=(
        "Training steps of VICReg by eqspec: images decoded and cropped by loader workers, beside "
        "the same steps on one batch in memory."
    ),
    unit="images",
    contestants=(contestant(DATA, constant=False), contestant(CONSTANT, constant=True)),
    comparisons=lambda _: (Comparison(DATA, CONSTANT, at_most=1.05),),
    amount=lambda setting: size(setting).batch * size(setting).steps,
    devices=("cpu", "cuda"),
    agree={"loss": 0.1},
)
