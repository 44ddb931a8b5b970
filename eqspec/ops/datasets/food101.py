"""Food-101: a thousand photographs for each of 101 dishes.

Bossard, Guillaumin, Van Gool, ECCV 2014. The published split: 750 images of each dish for training,
with some wrong labels, and 250 for evaluation.
"""

from __future__ import annotations

import json
from pathlib import Path

from eqspec.ops.image_files import ImageFiles, labelled
from eqspec.ops.published import Published, PublishedParams

rev = 1
needs_folder = True

PUBLISHED = Published("food101", "food-101", ("images", "meta/train.json"), "Food101")


class Params(PublishedParams):
    """Only the parameters of downloading."""


recognises = PUBLISHED.recognises


def open(params: Params, *, split: str, folder: Path | None) -> ImageFiles:  # noqa: A001 - the contract's name
    """Open one split, ``train`` or ``heldout`` (the published test set).

    Raises:
        EqspecError: when files are missing or cannot be downloaded.
    """
    root, called = PUBLISHED.listed(
        folder, split=split, download=params.download, lists=("train", "test")
    )
    listed = json.loads((root / "meta" / f"{called}.json").read_text(encoding="utf-8"))
    entries = ((f"{name}.jpg", dish) for dish, names in listed.items() for name in names)
    return labelled(root / "images", entries, classes=sorted(listed))
