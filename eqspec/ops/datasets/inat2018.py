"""iNaturalist 2018: photographs of 8142 species, with 2 to 1000 images per species.

Van Horn et al., arXiv:1707.06642 (the 2018 challenge). The published layout is a tree of images and
two lists in COCO's format, `train2018.json` and `val2018.json`; category numbers are the labels.
Image folders `train/<category>/…` and `val/<category>/…` can also be read.
"""

from __future__ import annotations

import json
from pathlib import Path

from eqspec.ops.folder_walk import folders_in, images_below
from eqspec.ops.image_files import ImageFiles, known_split, labelled
from eqspec.ops.published import Published, PublishedParams

rev = 1
needs_folder = True

CLASSES = 8142

LISTS = Published("inat2018", "inat2018", ("train2018.json", "val2018.json"), None)
FOLDERS = Published("inat2018", "inat2018", ("train", "val"), None)


class Params(PublishedParams):
    """No parameters; download the 120 GB yourself from https://github.com/visipedia/inat_comp."""


def recognises(_params: Params, folder: Path) -> bool:
    """Whether a folder contains the dataset."""
    return LISTS.within(folder) is not None or len(_categories(folder / "train")) == CLASSES


def open(params: Params, *, split: str, folder: Path | None) -> ImageFiles:  # noqa: A001 - the contract's name
    """Open one split, ``train`` or ``heldout`` (the validation set of the challenge).

    Raises:
        EqspecError: when files are missing.
    """
    known_split(split, dataset="inat2018")
    called = "train" if split == "train" else "val"
    root = LISTS.within(folder) if folder is not None else None
    if root is not None:
        return _listed(root, called)
    if folder is not None and FOLDERS.within(folder) is not None:
        return _foldered(folder, called)
    LISTS.find(folder, download=params.download)
    raise AssertionError("it would have been found above")


def _listed(root: Path, called: str) -> ImageFiles:
    listed = json.loads((root / f"{called}2018.json").read_text(encoding="utf-8"))
    names = {c["id"]: str(c.get("name", c["id"])) for c in listed["categories"]}
    numbers = sorted(names)
    of_image = {a["image_id"]: a["category_id"] for a in listed["annotations"]}
    images = sorted(listed["images"], key=lambda image: image["file_name"])
    entries = ((image["file_name"], str(of_image[image["id"]])) for image in images)
    found = labelled(root, entries, classes=[str(number) for number in numbers])
    return ImageFiles(root, found.files, tuple(names[n] for n in numbers), found.labels)


def _foldered(root: Path, called: str) -> ImageFiles:
    files = sorted(images_below(root / called))
    categories = _categories(root / "train")
    return labelled(root / called, ((f, f.partition("/")[0]) for f in files), classes=categories)


def _categories(folder: Path) -> list[str]:
    """Return the folders of the categories; numbers in numerical order."""
    found = folders_in(folder) if folder.is_dir() else ()
    return sorted(found, key=lambda name: (len(name), name) if name.isdecimal() else (99, name))
