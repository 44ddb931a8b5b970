"""Objects in several stored views, each with the latents that it was rendered from.

The layout of 3DIEBench (Garrido et al., arXiv:2302.10283): `<class>/<object>/image_<k>.jpg` beside
`latent_<k>.npy`, and a list of objects per split, an array of texts `/<class>/<object>/`. A sample
is an object; the training sees two of its views, evaluations of single images see its first.
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
"""The card that messages name."""


class Params(DatasetParams):
    """What is stored, and which objects belong to which split.

    Attributes:
        views: of each object.
        latents: numbers stored with each view.
        train: list of the objects of the training split, an `.npy` file below the folder.
        heldout: the same of the held-out split.
        share: of the objects that is held out, evenly spaced, where there are no lists; with 0,
            lists are needed.
    """

    views: int = Field(default=2, ge=2)
    latents: int = Field(default=3, ge=1)
    train: str = Field(default="train_images.npy", min_length=1)
    heldout: str = Field(default="val_images.npy", min_length=1)
    share: float = Field(default=0.0, ge=0.0, le=0.5)


def stored_latents(params: Params) -> int:
    """Numbers stored with each view."""
    return params.latents


@dataclass(frozen=True, slots=True)
class LatentViews:
    """The objects of one split.

    Attributes:
        root: the folder that `objects` are relative to.
        objects: paths `class/object`.
        classes: names of the classes.
        labels: [n], index into `classes`.
        views: of each object.
        latents: numbers stored with each view.
    """

    root: Path
    objects: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.int64] = field(repr=False)
    views: int
    latents: int

    @property
    def sources(self) -> NDArray[np.int64]:
        """[n], every object is a source of its own."""
        return np.arange(len(self.objects), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.objects)

    def image(self, i: int) -> NDArray[np.uint8]:
        """The first view of object i as 8-bit RGB, `[H, W, 3]`.

        Raises:
            UnreadableImage: the image or its latents are missing or damaged.
        """
        return self.view(i, 0).image

    def view(self, i: int, k: int) -> StoredView:
        """View k of object i.

        Raises:
            UnreadableImage: the image or its latents are missing or damaged.
        """
        number = i * self.views + k
        try:
            content = self.content(number)
        except OSError as error:
            raise blamed(error, image=str(self.path(number))) from error
        found = self.decoded(number, content)
        assert found.latents is not None, "every view has some"
        return StoredView(found.pixels, found.latents)

    @property
    def kept_in(self) -> NDArray[np.int64]:
        """[n], each view is kept by itself: its image and its latents count as one file."""
        return np.arange(len(self) * self.views, dtype=np.int64)

    @property
    def covered(self) -> Sequence[int]:
        """Views whose content enters the fingerprint."""
        return [i * self.views + i % self.views for i in evenly(range(len(self)))]

    @property
    def looked_at(self) -> str:
        """What the fingerprint is taken of."""
        count = f"{len(self):,} objects"
        return f"names of all {count}, size of one view of each, content of {len(self.covered):,}"

    def listing(self) -> Listing:
        """Which views are there; a look at the size of each of five million would take minutes."""
        sizes = np.full((len(self), self.views), NOT_THERE, np.int64)
        for i, name in enumerate(self.objects):
            there = names_in(self.root / name)
            for k in range(self.views):
                if there.issuperset(file.name for file in _files(Path(), k)):
                    sizes[i, k] = UNSIZED
        return Listing(sizes.ravel(), np.zeros(sizes.size, np.int64))

    def name(self, number: int) -> str:
        """The path of a view's image below the root."""
        return self.path(number).relative_to(self.root).as_posix()

    def path(self, number: int) -> Path:
        """The image file of a view."""
        return self._files_of(number)[0]

    def content(self, number: int) -> Content:
        """What is in a view's image and its latents; OSError where one cannot be read."""
        image, latents = self._files_of(number)
        return regular(image).read_bytes(), regular(latents).read_bytes()

    def decoded(self, number: int, content: Content) -> Decoded:
        """The view that some content holds; UnreadableImage where it holds none."""
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
        """Hash over every object's path, the size of one of its images, and the content of some.

        Which of its images changes from object to object, so that all views are looked at.
        """
        shown = [_files(self.root / name, i % self.views) for i, name in enumerate(self.objects)]
        sizes = (
            (name, size_of(image)) for name, (image, _) in zip(self.objects, shown, strict=True)
        )
        chosen = (content_of(file) for pair in evenly(shown) for file in pair if file.is_file())
        return fingerprint(sizes, chosen)


def recognises(_params: Params, folder: Path) -> bool:
    """Whether a folder holds objects with views and latents."""
    return next(folder.glob("*/*/latent_0.npy"), None) is not None


def open(params: Params, *, split: str, folder: Path | None) -> LatentViews:  # noqa: A001 - the contract's name
    """The objects of one split, ``train`` or ``heldout``, in the order of its list.

    Raises:
        UsageError: there is no such folder, list or split.
        EqspecError: a list cannot be read, or an object on it is not there.
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
    """The part of all objects that belongs to a split without lists."""
    if not params.share:
        message = f"{root} does not hold both lists of objects, {params.train} and {params.heldout}"
        advice = (
            "3DIEBench's lie in the folder `data` of the repository facebookresearch/SIE: copy them"
            " there; or hold out a part: --set data.with.share=0.2"
        )
        raise UsageError(message, help=advice)
    found = sorted(_objects_below(root))
    if len(found) < 2:
        message = f"{root} holds {'one object' if found else 'no object'}, too few to hold one out"
        raise UsageError(message, help="objects are folders <class>/<object>")
    out = held_out_evenly(len(found), share=params.share)
    objects = [name for name, held in zip(found, out, strict=True) if held == (split != "train")]
    return _split(params, root, objects, classes=_classes(found))


def _listed(path: Path) -> tuple[str, ...]:
    """Paths `class/object` from a list.

    Raises:
        EqspecError: it holds anything else.
    """
    help_ = "it is to be an array of texts `/<class>/<object>/`, written by numpy.save"
    try:
        names = _array(regular(path).read_bytes())
    except Exception as error:  # numpy has no error of its own
        raise EqspecError(f"cannot read the list {path}: {error}", help=help_) from error
    if names.ndim != 1 or names.dtype.kind != "U" or not len(names):
        message = f"{path} is no list of objects: {names.dtype} of shape {names.shape}"
        raise EqspecError(message, help=help_)
    found = tuple(str(name).strip("/") for name in names.tolist())
    odd = next((n for n in found if len(PurePosixPath(n).parts) != 2 or ".." in n), None)
    if odd is not None:
        raise EqspecError(f"{path} names `{odd}`, which is no object", help=help_)
    return found


def _check_there(root: Path, objects: Sequence[str], *, list_: Path) -> None:
    """Refuses a list of objects that are not all there; each class folder is read once."""
    there = set(_objects_below(root, classes=_classes(objects)))
    missing = [name for name in objects if name not in there]
    if missing:
        message = (
            f"{len(missing)} of the {len(objects)} objects of {list_.name} are not in {root}, "
            f"the first of them `{missing[0]}`"
        )
        raise EqspecError(message, help="unpack the whole archive there")


def _objects_below(root: Path, *, classes: Sequence[str] | None = None) -> Iterable[str]:
    for name in classes if classes is not None else folders_in(root):
        if (root / name).is_dir():
            yield from (f"{name}/{inner}" for inner in folders_in(root / name))


def _classes(objects: Iterable[str]) -> tuple[str, ...]:
    """Names of the classes, sorted: the order of 3DIEBench's own labels."""
    return tuple(sorted({_class_of(name) for name in objects}))


def _class_of(name: str) -> str:
    return name.partition("/")[0]


def _files(folder: Path, k: int) -> tuple[Path, Path]:
    """Image and latents of a view."""
    return folder / f"image_{k}.jpg", folder / f"latent_{k}.npy"


def _latents(content: bytes, *, count: int) -> NDArray[np.float64]:
    numbers = _array(content).astype(np.float64)
    if numbers.shape != (count,):
        raise ValueError(f"an array of shape {numbers.shape} where {count} numbers should be")
    if not np.isfinite(numbers).all():
        raise ValueError("a number in it is not finite")
    return numbers


def _array(content: bytes) -> NDArray[np.generic]:
    """An array from the bytes of its file; never unpickles."""
    return np.asarray(np.load(io.BytesIO(content), allow_pickle=False))
