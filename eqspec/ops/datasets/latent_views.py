"""Objects with several stored views, each with the latents from which it was rendered.

The layout of 3DIEBench (Garrido et al., arXiv:2302.10283): `<class>/<object>/image_<k>.jpg` and
`latent_<k>.npy`, and a list of objects per split, an array of strings `/<class>/<object>/`. A
sample is an object; training uses two of its views, evaluations of single images the first one.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from eqspec.errors import EqspecError, UsageError
from eqspec.ops.decode import Decoded, blamed, decoded
from eqspec.ops.folder_walk import folders_in
from eqspec.ops.image_files import (
    evenly,
    fingerprint,
    held_out_evenly,
    known_split,
    needed_folder,
)
from eqspec.ops.op import DatasetParams
from eqspec.ops.stored_bytes import NOT_THERE, UNSIZED, Content, Listing, names_in
from eqspec.ops.stored_views import StoredView
from eqspec.regular_files import content_of, regular, size_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

rev = 1
needs_folder = True
sample_unit = "object"

NAME = "3diebench"
"""Name of the card, for messages."""


class Params(DatasetParams):
    """Stored views, and the objects of each split.

    Attributes:
        views: number of views of each object.
        latents: number of latents stored with each view.
        train: `.npy` file in the folder with the list of training objects.
        heldout: the same for the held-out objects.
        share: share of the objects that is held out, evenly spaced, if there are no lists; with 0,
            lists are required.
    """

    views: int = Field(default=2, ge=2)
    latents: int = Field(default=3, ge=1)
    train: str = Field(default="train_images.npy", min_length=1)
    heldout: str = Field(default="val_images.npy", min_length=1)
    share: float = Field(default=0.0, ge=0.0, le=0.5)


def stored_latents(params: Params) -> int:
    """Return the number of latents stored with each view."""
    return params.latents


@dataclass(frozen=True, slots=True)
class LatentViews:
    """Objects of one split.

    Attributes:
        root: folder to which `objects` are relative.
        objects: paths `class/object`.
        classes: names of the classes.
        labels: [n], index into `classes`.
        views: number of views of each object.
        latents: number of latents stored with each view.
    """

    root: Path
    objects: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.int64] = field(repr=False)
    views: int
    latents: int

    @property
    def sources(self) -> NDArray[np.int64]:
        """`[n]`, each object is its own source."""
        return np.arange(len(self.objects), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.objects)

    def image(self, i: int) -> NDArray[np.uint8]:
        """Return the first view of object i as 8-bit RGB, `[H, W, 3]`.

        Raises:
            UnreadableImage: when the image or its latents are missing or damaged.
        """
        return self.view(i, 0).image

    def view(self, i: int, k: int) -> StoredView:
        """Return view k of object i.

        Raises:
            UnreadableImage: when the image or its latents are missing or damaged.
        """
        number = i * self.views + k
        try:
            content = self.content(number)
        except OSError as error:
            raise blamed(error, image=str(self.path(number))) from error
        found = self.decoded(number, content)
        assert found.latents is not None, "every view has latents"
        return StoredView(found.pixels, found.latents)

    @property
    def kept_in(self) -> NDArray[np.int64]:
        """`[n]`, each view is stored separately; image and latents count as one file."""
        return np.arange(len(self) * self.views, dtype=np.int64)

    @property
    def covered(self) -> Sequence[int]:
        """Views whose content is part of the fingerprint."""
        return [i * self.views + i % self.views for i in evenly(range(len(self)))]

    @property
    def fingerprint_scope(self) -> str:
        """Description of what the fingerprint covers."""
        count = f"{len(self):,} objects"
        return f"names of all {count}, size of one view of each, content of {len(self.covered):,}"

    def listing(self) -> Listing:
        """Return which views exist, without sizes: those of five million files take minutes."""
        sizes = np.full((len(self), self.views), NOT_THERE, np.int64)
        for i, name in enumerate(self.objects):
            there = names_in(self.root / name)
            for k in range(self.views):
                if there.issuperset(file.name for file in _files(Path(), k)):
                    sizes[i, k] = UNSIZED
        return Listing(sizes.ravel(), np.zeros(sizes.size, np.int64))

    def name(self, number: int) -> str:
        """Return the path of the image of a view relative to the root."""
        return self.path(number).relative_to(self.root).as_posix()

    def path(self, number: int) -> Path:
        """Return the path of the image of a view."""
        return self._files_of(number)[0]

    def content(self, number: int) -> Content:
        """Return the content of the image and the latents of a view; OSError if unreadable."""
        image, latents = self._files_of(number)
        return regular(image).read_bytes(), regular(latents).read_bytes()

    def decoded(self, number: int, content: Content) -> Decoded:
        """Decode the content of a view; UnreadableImage if it is damaged."""
        image, latents = self._files_of(number)
        try:
            numbers = _latents(content[1], count=self.latents)
        except Exception as error:  # damage shows as ValueError, EOFError, SyntaxError, …
            raise blamed(error, image=str(image), part=f"its {latents.name}") from error
        return replace(decoded(content[0], name=str(image)), latents=numbers)

    def _files_of(self, number: int) -> tuple[Path, Path]:
        i, k = divmod(number, self.views)
        return _files(self.root / self.objects[i], k)

    def fingerprint(self) -> str:
        """Return a hash of all object paths, one image size per object, and the content of some.

        The index of the image changes from object to object, so that all views are covered.
        """
        shown = [_files(self.root / name, i % self.views) for i, name in enumerate(self.objects)]
        sizes = (
            (name, size_of(image)) for name, (image, _) in zip(self.objects, shown, strict=True)
        )
        chosen = (content_of(file) for pair in evenly(shown) for file in pair if file.is_file())
        return fingerprint(sizes, chosen)


def recognises(_params: Params, folder: Path) -> bool:
    """Whether a folder contains objects with views and latents."""
    return next(folder.glob("*/*/latent_0.npy"), None) is not None


def open(params: Params, *, split: str, folder: Path | None) -> LatentViews:  # noqa: A001 - the contract's name
    """Open one split, ``train`` or ``heldout``, in the order of its list.

    Raises:
        UsageError: when there is no such folder, list or split.
        EqspecError: when a list cannot be read, or an object on it is missing.
    """
    known_split(split, dataset=NAME)
    root = needed_folder(folder, dataset=NAME)
    lists = {"train": root / params.train, "heldout": root / params.heldout}
    if all(path.is_file() for path in lists.values()):
        listed = {name: _listed(path) for name, path in lists.items()}
        _check_there(root, listed[split], list_=lists[split])
        classes = _classes(name for names in listed.values() for name in names)
        return _split(params, root, listed[split], classes=classes)
    return _share(params, root, split=split)


def _split(
    params: Params, root: Path, objects: Sequence[str], *, classes: Sequence[str]
) -> LatentViews:
    index = {name: i for i, name in enumerate(classes)}
    labels = np.array([index[_class_of(name)] for name in objects], dtype=np.int64)
    make = partial(LatentViews, views=params.views, latents=params.latents)
    return make(root, tuple(objects), tuple(classes), labels)


def _share(params: Params, root: Path, *, split: str) -> LatentViews:
    """Return the objects of one split if there are no lists."""
    if not params.share:
        message = f"{root} does not contain the lists {params.train} and {params.heldout}"
        advice = (
            "for 3DIEBench, copy them from the folder `data` of facebookresearch/SIE; or hold out "
            "a part of the objects: --set data.with.share=0.2"
        )
        raise UsageError(message, help=advice)
    found = sorted(_objects_below(root))
    if len(found) < 2:
        message = f"{root} has {'only one object' if found else 'no object'}, so none is held out"
        raise UsageError(message, help="objects are folders <class>/<object>")
    out = held_out_evenly(len(found), share=params.share)
    objects = [name for name, held in zip(found, out, strict=True) if held == (split != "train")]
    return _split(params, root, objects, classes=_classes(found))


def _listed(path: Path) -> tuple[str, ...]:
    """Read paths `class/object` from a list.

    Raises:
        EqspecError: when it has any other content.
    """
    help_ = "it must be an array of strings `/<class>/<object>/`, written by numpy.save"
    try:
        names = _array(regular(path).read_bytes())
    except Exception as error:  # numpy has no exception type of its own
        raise EqspecError(f"cannot read the list {path}: {error}", help=help_) from error
    if names.ndim != 1 or names.dtype.kind != "U" or not len(names):
        message = f"{path} is not a list of objects: {names.dtype} of shape {names.shape}"
        raise EqspecError(message, help=help_)
    found = tuple(str(name).strip("/") for name in names.tolist())
    odd = next((n for n in found if len(PurePosixPath(n).parts) != 2 or ".." in n), None)
    if odd is not None:
        raise EqspecError(f"{path} contains `{odd}`, which is not an object", help=help_)
    return found


def _check_there(root: Path, objects: Sequence[str], *, list_: Path) -> None:
    """Check that all objects on a list exist; each class folder is read once."""
    there = set(_objects_below(root, classes=_classes(objects)))
    missing = [name for name in objects if name not in there]
    if missing:
        message = (
            f"{len(missing)} of the {len(objects)} objects in {list_.name} are missing in {root}, "
            f"the first is `{missing[0]}`"
        )
        raise EqspecError(message, help="unpack the complete archive there")


def _objects_below(root: Path, *, classes: Sequence[str] | None = None) -> Iterable[str]:
    for name in classes if classes is not None else folders_in(root):
        if (root / name).is_dir():
            yield from (f"{name}/{inner}" for inner in folders_in(root / name))


def _classes(objects: Iterable[str]) -> tuple[str, ...]:
    """Return the sorted names of the classes, which is the order of 3DIEBench's labels."""
    return tuple(sorted({_class_of(name) for name in objects}))


def _class_of(name: str) -> str:
    return name.partition("/")[0]


def _files(folder: Path, k: int) -> tuple[Path, Path]:
    """Return the paths of the image and the latents of a view."""
    return folder / f"image_{k}.jpg", folder / f"latent_{k}.npy"


def _latents(content: bytes, *, count: int) -> NDArray[np.float64]:
    numbers = _array(content).astype(np.float64)
    if numbers.shape != (count,):
        raise ValueError(f"expected {count} numbers, found an array of shape {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ValueError("it contains a number that is not finite")
    return numbers


def _array(content: bytes) -> NDArray[np.generic]:
    """Read an array from the bytes of its file; never unpickles."""
    return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))
