"""FGVC-Aircraft: photographs of 100 aircraft variants, named at the finest level but one.

Maji, Kannala, Rahtu, Blaschko, Vedaldi, arXiv:1306.5151. Trained on `trainval`, judged by `test`.
The copyright line at the foot of each image is left where it is.
"""

from __future__ import annotations

from pathlib import Path

from eqspec.ops.image_files import ImageFiles, known_split, labelled
from eqspec.ops.published import Published, PublishedParams

rev = 1
needs_folder = True

PUBLISHED = Published(
    "fgvc-aircraft", "fgvc-aircraft-2013b", ("data/images", "data/variants.txt"), "FGVCAircraft"
)


class Params(PublishedParams):
    """Nothing to set but how it is fetched."""


def recognises(_params: Params, folder: Path) -> bool:
    """Whether a folder holds it."""
    return PUBLISHED.within(folder) is not None


def open(params: Params, *, split: str, folder: Path | None) -> ImageFiles:  # noqa: A001 - the contract's name
    """The images of one split, ``train`` (train and val) or ``heldout`` (test).

    Raises:
        EqspecError: it is not there, or cannot be fetched.
    """
    known_split(split, dataset="fgvc-aircraft")
    data = PUBLISHED.find(folder, download=params.download) / "data"
    called = "trainval" if split == "train" else "test"
    variants = (data / "variants.txt").read_text(encoding="utf-8").splitlines()
    lines = (data / f"images_variant_{called}.txt").read_text(encoding="utf-8").splitlines()
    listed = (line.strip().partition(" ") for line in lines if line.strip())
    entries = ((f"{image}.jpg", variant) for image, _, variant in listed)
    return labelled(data / "images", entries, classes=[v.strip() for v in variants if v.strip()])
