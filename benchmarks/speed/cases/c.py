"""Case C: augmentation alone."""

from __future__ import annotations

from benchmarks.speed.case import Case, Comparison, Setting
from benchmarks.speed.work.augmentation import eqspec_alone
from benchmarks.speed.work.augmentation_peers import peer, with_kornia, with_pil, with_tensors

PIL, TENSORS, KORNIA = "torchvision on PIL", "torchvision v2 on tensors", "kornia"


def size(setting: Setting) -> tuple[int, int]:
    """Return the side of a view and the number of images."""
    return {"full": (224, 64), "quick": (224, 16), "toy": (64, 4)}[setting.scale]


CASE = Case(
    title="augmentation: two views and two images of a path, 224 px, batch 64, one thread",
    about=(
        "Decoded images in memory to two normalised views (crop, flip, colour, grey, blur, "
        "solarise as in VICReg; the second one rotated) and two rotations in between. The peers "
        "get eqspec's drawn parameters. On the same crops, eqspec's views differ by less than "
        "1/255 from those on tensors and of kornia."
    ),
    unit="images",
    contestants=(
        eqspec_alone(size),
        peer(PIL, with_pil, size=size),
        peer(TENSORS, with_tensors, size=size),
        peer(KORNIA, with_kornia, size=size, needs=("kornia",)),
    ),
    comparisons=lambda _: (
        Comparison(PIL, "eqspec", at_least=3.0),
        Comparison(TENSORS, "eqspec", at_least=2.0),
        Comparison(KORNIA, "eqspec", at_least=2.0),
    ),
    amount=lambda setting: size(setting)[1],
)
