"""Images in folders `root/<split>/<class>/…` or `root/<class>/…`, or without classes.

The usual ImageNet layout. Files are sorted by path, so their order is the same on every machine.
Any folder of images can be used: if there is no folder for the held-out split, evenly spaced images
are held out and not used for training. `survey` reports which folders are splits or classes, and
which files are ignored.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from eqspec.errors import EqspecError, UsageError
from eqspec.ops.folder_layout import (
    LaidOut,
    Layout,
    laid_out,
    need_no_splits_in_classes,
    set_,
)
from eqspec.ops.folder_survey import FolderSurvey, survey_of
from eqspec.ops.folder_walk import Walked, class_folders, walk
from eqspec.ops.image_files import (
    ImageFiles,
    held_out_evenly,
    known_split,
    needed_folder,
)
from eqspec.ops.left_out import SUFFIXES
from eqspec.ops.op import DatasetParams

rev = 2
needs_folder = True

_PICTURE = "/figures/reconstructions.png"
"""End of the path of a picture in a run folder."""


class Params(DatasetParams):
    """Folders of the splits, and the held-out share if there are none.

    Attributes:
        train: folder of the training split; without it, the root contains all images.
        heldout: folder of the held-out split; its other usual names are also recognised.
        share: share of the images that is held out if there is no folder; 0: none.
        layout: `splits` (folders `train` and `val`), `classes` (one folder per class, with any
            name), `flat` (all images, without classes), or `auto`, inferred from the names.
    """

    train: str = Field(default="train", min_length=1)
    heldout: str = Field(default="val", min_length=1)
    share: float = Field(default=0.0, ge=0.0, le=0.5)
    layout: Layout = "auto"

    @model_serializer(mode="wrap")
    def _without_what_is_told(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Omit `layout: auto`, so that ids are the same as before `layout` existed."""
        written: dict[str, Any] = rest(self)
        return {k: v for k, v in written.items() if (k, v) != ("layout", "auto")}


def recognises(_params: Params, _folder: Path) -> bool:
    """Always true: any folder can contain images."""
    return True


def fits(params: Params, folder: Path, *, classes: int | None) -> bool:
    """Whether a folder matches the number of classes on a card.

    Checks the class folders of both splits, but not the number of images.
    """
    if classes is None:
        return True
    try:
        found = _laid_out(params, folder)
        splits = [found.train] if found.heldout is None else [found.train, found.heldout]
        return all(len(class_folders(split)) == classes for split in splits)
    except EqspecError:
        return False


def survey(params: Params, folder: Path) -> FolderSurvey:
    """Describe what is read from a folder and what is ignored.

    Raises:
        EqspecError: as in `open`.
    """
    return survey_of(_laid_out(params, folder), root=folder)


def open(params: Params, *, split: str, folder: Path | None) -> ImageFiles:  # noqa: A001 - the contract's name
    """Open one split, ``train`` or ``heldout``, of a folder.

    Raises:
        UsageError: when there is no such folder or split, it has no images, or images are both
            inside and outside class folders.
    """
    known_split(split, dataset="an image folder")
    root = needed_folder(folder, dataset="image-folder")
    found = _laid_out(params, root)
    if split == "train" or found.heldout is None:
        images = _read(found, found.train, beside=found.heldout)
        if params.layout == "auto":
            need_no_splits_in_classes(images.root, images.files)
        return images if found.heldout else _share(images, params, split=split)
    return _read(found, found.heldout, beside=found.train)


def _laid_out(params: Params, root: Path) -> LaidOut:
    return laid_out(root, train=params.train, heldout=params.heldout, layout=params.layout)


def _read(found: LaidOut, root: Path, *, beside: Path | None) -> ImageFiles:
    """Read all images below a folder; classes have the same numbers in the other split."""
    walked = walk(root)
    files = walked.files
    if not files:
        raise _no_image(walked)
    _need_no_runs(root, files)
    if beside is not None and walked.linked:
        _need_no_image_in_both(walked, walk(beside))
    loose = [name for name in files if "/" not in name]
    if found.flat or len(loose) == len(files):
        return ImageFiles(root, files, walked=True)
    if loose:
        inside = next(name for name in files if "/" in name)
        message = f"{root} has images outside ({loose[0]}) and inside ({inside}) class folders"
        help_ = "put either all images into class folders, or none"
        flat = "" if found.heldout else f"; or read all of them without classes: {set_('flat')}"
        raise UsageError(message, help=help_ + flat)
    names = [name.partition("/")[0] for name in files]
    classes = tuple(sorted({*walked.classes, *(class_folders(beside) if beside else ())}))
    index = {name: i for i, name in enumerate(classes)}
    labels = np.array([index[name] for name in names], dtype=np.int64)
    return ImageFiles(root, files, classes, labels, walked=True)


def _need_no_runs(root: Path, files: tuple[str, ...]) -> None:
    """Refuse the pictures of eqspec's own runs, where their folder is among the images."""
    for name in files:
        if name.endswith(_PICTURE) and (root / name).parents[1].joinpath("plan.json").is_file():
            message = f"{root / name} is a picture that a run of eqspec made, not data"
            raise UsageError(message, help=f"move the runs out of {root.resolve()}")


def _no_image(walked: Walked) -> UsageError:
    message = f"there is no image in {walked.root}"
    left = "; ".join(f"{one.count} × {one.kind}: {one.reason}" for one in walked.left_out)
    message += f" ({left})" if left else ""
    return UsageError(message, help=f"images end in {', '.join(sorted(SUFFIXES))}")


def _need_no_image_in_both(one: Walked, other: Walked) -> None:
    """Refuse links from both splits to the same images.

    Raises:
        UsageError: with both paths of a folder or file.
    """
    pair = one.shared_with(other)
    if pair is not None:
        here, there = (root / name for root, name in zip((one.root, other.root), pair, strict=True))
        message = f"{here} and {there} are the same: held-out images would be training images"
        raise UsageError(message, help="remove the link from one of the two splits")


def _share(found: ImageFiles, params: Params, *, split: str) -> ImageFiles:
    """Return the images of one split of a folder without split folders."""
    out = held_out_evenly(len(found), share=params.share)
    if split == "heldout" and not out.any():
        message = f"{found.root} has no folder `{params.heldout}` for the split `heldout`"
        if len(found) == 1:
            message = f"{found.root} has only one image, so none can be held out"
        raise UsageError(message, help="create it, or set the held-out part with `share`")
    rows = np.flatnonzero(out if split == "heldout" else ~out)
    files = tuple(found.files[i] for i in rows)
    labels = None if found.labels is None else found.labels[rows]
    return replace(found, files=files, labels=labels)
