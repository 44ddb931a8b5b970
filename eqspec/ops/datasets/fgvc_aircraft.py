"""FGVC-Aircraft: photographs of 100 aircraft variants.

Maji, Kannala, Rahtu, Blaschko, Vedaldi, arXiv:1306.5151. Trained on `trainval`, evaluated on
`test`. The copyright line at the bottom of each image is not removed.
"""

from __future__ import annotations

from pathlib import Path

from eqspec.ops.image_files import ImageFiles, labelled
from eqspec.ops.published import Published, PublishedParams

rev = 1
needs_folder = True

PUBLISHED = Published(
    "fgvc-aircraft", "fgvc-aircraft-2013b", ("data/images", "data/variants.txt"), "FGVCAircraft"
)


class Params(PublishedParams):
    """Only the parameters of downloading."""


recognises = PUBLISHED.recognises


def open(params: Params, *, split: str, folder: Path | None) -> ImageFiles:  # noqa: A001 - the contract's name
    """Open one split, ``train`` (train and val) or ``heldout`` (test).

    Raises:
        EqspecError: when files are missing or cannot be downloaded.
    """
    root, called = PUBLISHED.listed(
        folder, split=split, download=params.download, lists=("trainval", "test")
    )
    data = root / "data"
    variants = (data / "variants.txt").read_text(encoding="utf-8").splitlines()
    lines = (data / f"images_variant_{called}.txt").read_text(encoding="utf-8").splitlines()
    listed = (line.strip().partition(" ") for line in lines if line.strip())
    entries = ((f"{image}.jpg", variant) for image, _, variant in listed)
    return labelled(data / "images", entries, classes=[v.strip() for v in variants if v.strip()])
