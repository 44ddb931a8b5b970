"""Detection of the layout of a folder of images: its splits and classes.

    splits    root/<split>/<class>/…, or root/<split>/… without classes
    classes   root/<class>/…
    flat      every image below root, without classes

A folder is a split only if its siblings agree: `train` beside `val` or `test`, in upper or lower
case and under their other usual names, or alone. If the names are ambiguous, an error asks for the
setting. Free of torch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eqspec.errors import UsageError
from eqspec.ops.folder_walk import folders_in, walk

Layout = Literal["auto", "splits", "classes", "flat"]

TRAIN = ("train", "training")
"""Names of the folder of the training split."""

HELD_OUT = ("val", "valid", "validation", "test", "heldout")
"""Usual names of the folder of the held-out split, tried after the parameter's name."""

RARE = ("testing", "dev", "eval", "evaluation", "held-out", "held_out")
"""Rarer names of that folder, tried last."""

NAMED = 4
"""Largest number of folders listed by a message."""


@dataclass(frozen=True, slots=True)
class LaidOut:
    """Folders of the splits.

    Attributes:
        train: folder of the training split, or of all images.
        heldout: folder of the held-out split; None without one.
        flat: whether folders have no meaning as classes.
        beside: other folders beside those of the splits.
    """

    train: Path
    heldout: Path | None
    flat: bool = False
    beside: tuple[str, ...] = ()


def laid_out(root: Path, *, train: str, heldout: str, layout: Layout) -> LaidOut:
    """Return the folders of the splits below a folder.

    Args:
        root: the folder.
        train: name of the folder of the training split.
        heldout: name of the folder of the held-out split.
        layout: the layout; ``auto`` infers it from the names.

    Raises:
        UsageError: the names are ambiguous, or a split is missing.
        EqspecError: a folder cannot be read.
    """
    if layout in {"classes", "flat"}:
        return LaidOut(root, None, flat=layout == "flat")
    names = folders_in(root)
    usual = TRAIN if train in TRAIN else ()
    first = _exactly(root, (train,)) or _in_any_case(root, names, (train, *usual))
    others = _others(root, names, first)
    second = _exactly(root, tuple(n for n in (heldout, *HELD_OUT) if n != first))
    second = second or _in_any_case(root, others, (heldout, *HELD_OUT, *RARE))
    beside = _others(root, others, second)
    if first is None:
        if second is None and layout == "auto":
            return LaidOut(root, None)
        raise _no_training_split(root, second, train=train)
    if second is None and layout == "auto" and usual:
        with_images = [name for name in beside if walk(root / name).files]
        if with_images and first != train and all("/" not in f for f in walk(root / first).files):
            return LaidOut(root, None)  # a class, like its siblings
        if with_images:
            raise _split_or_class(root, first, with_images)
    return LaidOut(root / first, None if second is None else root / second, beside=beside)


def need_no_splits_in_classes(root: Path, files: Sequence[str]) -> None:
    """Check that no class folder contains splits, whose held-out images would be trained on.

    Args:
        files: paths of images relative to root, ``class/…``.

    Raises:
        UsageError: a class folder contains splits; the message names the first.
    """
    inner: dict[str, set[str]] = {}
    for name in files:
        outer, _, rest = name.partition("/")
        if "/" in rest:
            inner.setdefault(outer, set()).add(rest.partition("/")[0])
    for outer, names in inner.items():
        splits = [_spelt(names, TRAIN), _spelt(names, (*HELD_OUT, *RARE))]
        if None not in splits:
            message = f"{root / outer} has splits of its own, {' and '.join(map(str, splits))}"
            advice = f"--data {root / outer}; or, to train on all of its images: {set_('classes')}"
            raise UsageError(message, help=advice)


def _spelt(names: Collection[str], wanted: Sequence[str]) -> str | None:
    """Return the first wanted name among `names`, ignoring case, in their spelling."""
    return next((n for one in wanted for n in sorted(names) if n.lower() == one), None)


def _exactly(root: Path, wanted: Sequence[str]) -> str | None:
    return next((one for one in wanted if (root / one).is_dir()), None)


def _in_any_case(root: Path, names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """Return the folder of images with the first wanted name, ignoring case.

    Raises:
        UsageError: several folders have this name in different spellings.
    """
    for one in wanted:
        alike = [name for name in names if name.lower() == one.lower()]
        found = [name for name in alike if walk(root / name).files]
        if len(found) > 1:
            message = f"{root} has several folders for one split: {', '.join(found)}"
            raise UsageError(message, help="keep one of them, or call one `train` or `val`")
        if found:
            return found[0]
    return None


def _others(root: Path, names: Sequence[str], split: str | None) -> tuple[str, ...]:
    """Return the names of the folders other than that of a split, which may be a path."""
    if split is None:
        return tuple(names)
    top = split.partition("/")[0]
    alike = {n for n in names if n.lower() == top.lower() and (root / top).exists()}
    same = {n for n in alike if (root / n).samefile(root / top)}  # also where case is ignored
    return tuple(name for name in names if name not in same)


def _no_training_split(root: Path, heldout: str | None, *, train: str) -> UsageError:
    # A class may have the name of a split; images beside such a folder would be lost.
    message = f"{root} has no folder `{train}`"
    advice = "create it, or set the parameter `train` to another folder"
    if heldout is not None:
        message = f"{root} has a folder `{heldout}`, but no folder `{train}`"
        advice += f"; if `{heldout}` is a class: {set_('classes')}"
    return UsageError(message, help=advice)


def _split_or_class(root: Path, train: str, beside: Sequence[str]) -> UsageError:
    more = f" and {len(beside) - NAMED} more" if len(beside) > NAMED else ""
    listed = ", ".join(f"`{name}`" for name in beside[:NAMED])
    return UsageError(
        f"{root} has images in `{train}` and beside it in {listed}{more}: `{train}` may be the "
        "training split, or one class of several",
        help=f"if it is a class: {set_('classes')}; if it is the training split and the other "
        f"folders should be ignored: {set_('splits')}",
    )


def set_(layout: Layout) -> str:
    """Return the arguments that set the layout of a folder, for any data of the spec."""
    return f"--set data.use=image-folder --set data.with.layout={layout}"
