"""Images in folders, one folder per class: `root/<split>/<class>/…`, `root/<class>/…` or loose.

The usual ImageNet layout. Files are read in the sorted order of their paths, which is the same on
every machine. Any folder of images will do: where there is none for the held-out split, evenly
spaced images are held out, which the training then never sees. Which folders are splits, which are
classes, and what is left out, is told by `survey`.
"""

from __future__ import annotations

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


class Params(DatasetParams):
    """What the folders of the splits are called, and what is held out where there is none.

    Attributes:
        train: folder of the training split. A root without it is all there is.
        heldout: folder of the held-out split; also looked for under its other usual names.
        share: of the images that is held out where no folder is; 0 holds out nothing.
        layout: `splits` (folders `train` and `val`), `classes` (one folder per class, whatever it
            is called), `flat` (every image, without classes), or told from the names.
    """

    train: str = Field(default="train", min_length=1)
    heldout: str = Field(default="val", min_length=1)
    share: float = Field(default=0.0, ge=0.0, le=0.5)
    layout: Layout = "auto"

    @model_serializer(mode="wrap")
    def _without_what_is_told(self, rest: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Ids were made before there was a `layout`: one told from the names stays unwritten."""
        written: dict[str, Any] = rest(self)
        return {k: v for k, v in written.items() if (k, v) != ("layout", "auto")}


def recognises(_params: Params, _folder: Path) -> bool:
    """Any folder is a folder of images."""
    return True


def fits(params: Params, folder: Path, *, classes: int | None) -> bool:
    """Whether a folder may hold the dataset of a card that promises a number of classes.

    Told from the class folders of both splits; how many images they hold is not looked at.
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
    """What is read of a folder and what is left out, for who asks.

    Raises:
        EqspecError: as `open`.
    """
    return survey_of(_laid_out(params, folder), root=folder)


def open(params: Params, *, split: str, folder: Path | None) -> ImageFiles:  # noqa: A001 - the contract's name
    """The images of one split, ``train`` or ``heldout``, below a folder.

    Raises:
        UsageError: there is no such folder or split, it holds no image, or images lie both
            loose and in class folders.
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
    """Everything below a folder; a class has the same number in the split beside it."""
    walked = walk(root)
    files = walked.files
    if not files:
        raise _no_image(walked)
    if beside is not None and walked.linked:
        _need_no_image_in_both(walked, walk(beside))
    loose = [name for name in files if "/" not in name]
    if found.flat or len(loose) == len(files):
        return ImageFiles(root, files)
    if loose:
        message = f"{root} holds images both loose ({loose[0]}) and in class folders ({files[-1]})"
        help_ = "put every image into a class folder, or none"
        flat = "" if found.heldout else f"; or read all of them without classes: {set_('flat')}"
        raise UsageError(message, help=help_ + flat)
    names = [name.partition("/")[0] for name in files]
    classes = tuple(sorted({*walked.classes, *(class_folders(beside) if beside else ())}))
    index = {name: i for i, name in enumerate(classes)}
    labels = np.array([index[name] for name in names], dtype=np.int64)
    return ImageFiles(root, files, classes, labels)


def _no_image(walked: Walked) -> UsageError:
    message = f"there is no image in {walked.root}"
    left = "; ".join(f"{one.count} × {one.kind}: {one.reason}" for one in walked.left_out)
    message += f" ({left})" if left else ""
    return UsageError(message, help=f"images end in {', '.join(sorted(SUFFIXES))}")


def _need_no_image_in_both(one: Walked, other: Walked) -> None:
    """Refuses links that lead from both splits to the same images.

    Raises:
        UsageError: naming a folder or file, and where else it is found.
    """
    pair = one.shared_with(other)
    if pair is not None:
        here, there = (root / name for root, name in zip((one.root, other.root), pair, strict=True))
        message = f"{here} and {there} are the same: images would be trained on and held out"
        raise UsageError(message, help="remove the link from one of the two splits")


def _share(found: ImageFiles, params: Params, *, split: str) -> ImageFiles:
    """The part of a folder without splits that belongs to one."""
    out = held_out_evenly(len(found), share=params.share)
    if split == "heldout" and not out.any():
        message = f"{found.root} has no folder `{params.heldout}` for the split `heldout`"
        if len(found) == 1:
            message = f"{found.root} holds one image, which leaves none to be held out"
        raise UsageError(message, help="make it, or hold out a part with the parameter `share`")
    rows = np.flatnonzero(out if split == "heldout" else ~out)
    files = tuple(found.files[i] for i in rows)
    labels = None if found.labels is None else found.labels[rows]
    return ImageFiles(found.root, files, found.classes, labels)
