"""Food-101: a thousand photographs of each of 101 dishes.

Bossard, Guillaumin, Van Gool, ECCV 2014. Split as published: 750 images of a dish to train on,
some of them under a wrong name, and 250 to judge by.
"""

from __future__ import annotations

import json
from pathlib import Path

from eqspec.ops.image_files import ImageFiles, known_split, labelled
from eqspec.ops.published import Published, PublishedParams

rev = 1
needs_folder = True

PUBLISHED = Published("food101", "food-101", ("images", "meta/train.json"), "Food101")


class Params(PublishedParams):
    """Nothing to set but how it is fetched."""


def recognises(_params: Params, folder: Path) -> bool:
    """Whether a folder holds it."""
    return PUBLISHED.within(folder) is not None


def open(params: Params, *, split: str, folder: Path | None) -> ImageFiles:  # noqa: A001 - the contract's name
    """The images of one split, ``train`` or ``heldout`` (the published test set).

    Raises:
        EqspecError: it is not there, or cannot be fetched.
    """
    known_split(split, dataset="food101")
    root = PUBLISHED.find(folder, download=params.download)
    called = "train" if split == "train" else "test"
    listed = json.loads((root / "meta" / f"{called}.json").read_text(encoding="utf-8"))
    entries = ((f"{name}.jpg", dish) for dish, names in listed.items() for name in names)
    return labelled(root / "images", entries, classes=sorted(listed))
