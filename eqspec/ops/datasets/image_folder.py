"""Images in folders, one folder per class: `root/<split>/<class>/…`, `root/<class>/…` or loose.

The usual ImageNet layout. Files are read in the sorted order of their paths, which is the same on
every machine. Any folder of images will do: where there is none for the held-out split, evenly
spaced images are held out, which the training then never sees.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field

from eqspec.errors import UsageError
from eqspec.ops.image_files import (
    SUFFIXES,
    ImageFileParams,
    ImageFiles,
    held_out_evenly,
    images_below,
    known_split,
    needed_folder,
)

rev = 2

HELD_OUT = ("val", "valid", "validation", "test", "heldout")
"""What the folder of the held-out split is called elsewhere; tried after the parameter's name."""


class Params(ImageFileParams):
    """What the folders of the splits are called, and what is held out where there is none.

    Attributes:
        train: folder of the training split. A root without it is all there is.
        heldout: folder of the held-out split; also looked for under the names of `HELD_OUT`.
        share: of the images that is held out where no folder is; 0 holds out nothing.
    """

    train: str = Field(default="train", min_length=1)
    heldout: str = Field(default="val", min_length=1)
    share: float = Field(default=0.0, ge=0.0, le=0.5)


def recognises(_params: Params, _folder: Path) -> bool:
    """Any folder is a folder of images."""
    return True


def open(params: Params, *, split: str, folder: Path | None) -> ImageFiles:  # noqa: A001 - the contract's name
    """The images of one split, ``train`` or ``heldout``, below a folder.

    Raises:
        UsageError: there is no such folder or split, it holds no image, or images lie both
            loose and in class folders.
    """
    known_split(split, dataset="an image folder")
    root = needed_folder(folder, dataset="image-folder")
    train, heldout = _split_folders(params, root)
    if split == "train" or heldout is None:
        found = _read(train, beside=heldout)
        return found if heldout else _share(found, params, split=split)
    return _read(heldout, beside=train)


def _split_folders(params: Params, root: Path) -> tuple[Path, Path | None]:
    """Folder of the training split, and of the held-out one where there is one."""
    others = (params.heldout, *HELD_OUT)
    train = root / params.train
    heldout = next((root / n for n in others if n != params.train and (root / n).is_dir()), None)
    if train.is_dir():
        return train, heldout
    if heldout is None:
        return root, None
    # Classes may be called like splits; images that lie beside such a folder would be lost.
    message = f"{root} has a folder `{heldout.name}`, but no folder `{params.train}`"
    raise UsageError(message, help="make it, or name another one with the parameter `train`")


def _read(root: Path, *, beside: Path | None) -> ImageFiles:
    """Everything below a folder; a class has the same number in the split beside it."""
    files = tuple(sorted(images_below(root)))
    if not files:
        message = f"there is no image in {root}"
        raise UsageError(message, help=f"images end in {', '.join(sorted(SUFFIXES))}")
    loose = [name for name in files if "/" not in name]
    if len(loose) == len(files):
        return ImageFiles(root, files)
    if loose:
        message = f"{root} holds images both loose ({loose[0]}) and in class folders ({files[-1]})"
        raise UsageError(message, help="put every image into a class folder, or none")
    names = [name.partition("/")[0] for name in files]
    classes = tuple(sorted({*_class_folders(root), *_class_folders(beside)}))
    index = {name: i for i, name in enumerate(classes)}
    labels = np.array([index[name] for name in names], dtype=np.int64)
    return ImageFiles(root, files, classes, labels)


def _class_folders(root: Path | None) -> tuple[str, ...]:
    below = () if root is None else root.iterdir()
    return tuple(p.name for p in below if p.is_dir() and not p.name.startswith("."))


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
