"""Oxford-IIIT Pet: photographs of 37 breeds of cats and dogs.

Parkhi, Vedaldi, Zisserman, Jawahar, CVPR 2012. Trained on `trainval`, evaluated on `test`.
"""

from __future__ import annotations

from pathlib import Path

from eqspec.ops.image_files import ImageFiles, labelled
from eqspec.ops.published import Published, PublishedParams

rev = 1
needs_folder = True

PUBLISHED = Published(
    "oxford-pets", "oxford-iiit-pet", ("images", "annotations/trainval.txt"), "OxfordIIITPet"
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
    # Name of the image, number of the breed (from 1), cat or dog, number among cats or dogs.
    rows = [row.split() for row in _lines(root / "annotations" / f"{called}.txt")]
    breeds = {int(row[1]): row[0].rpartition("_")[0] for row in rows}
    entries = ((f"{row[0]}.jpg", breeds[int(row[1])]) for row in rows)
    return labelled(root / "images", entries, classes=[breeds[n] for n in sorted(breeds)])


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]
