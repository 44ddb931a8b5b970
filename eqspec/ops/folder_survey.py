"""Summary of a folder of images for `eqspec check`: splits, files left out. Free of torch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from eqspec.ops.folder_layout import LaidOut
from eqspec.ops.folder_walk import Walked, walk
from eqspec.ops.left_out import SUFFIXES, LeftOut, Tally, ending, passed_over

BESIDE = "beside the splits"

NAMED = 3
"""Largest number of folders listed by a note."""


@dataclass(frozen=True, slots=True)
class FolderSurvey:
    """Summary of a folder of images.

    Attributes:
        splits: names of the folders of the splits; empty without any.
        left_out: files and folders that are not read, with examples relative to the folder.
        notes: hints about unusual classes.
    """

    splits: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def survey_of(found: LaidOut, *, root: Path) -> FolderSurvey:
    """Return the summary of a folder.

    Raises:
        EqspecError: a folder cannot be read.
    """
    folders = [found.train] if found.heldout is None else [found.train, found.heldout]
    walks = [walk(folder) for folder in folders]
    tally = Tally()
    for walked in walks:
        inside = os.path.relpath(walked.root, root)
        for one in walked.left_out:
            path = one.example if inside == "." else f"{inside}/{one.example}"
            tally.add(one.kind, reason=one.reason, path=path, count=one.count)
    if found.train != root:
        _tally_beside(found, root, tally)
    split = found.train != root
    return FolderSurvey(
        splits=tuple(os.path.relpath(folder, root) for folder in folders) if split else (),
        left_out=tally.all,
        notes=() if found.flat else tuple(_notes(walks)),
    )


def _tally_beside(found: LaidOut, root: Path, tally: Tally) -> None:
    """Count images beside the splits, and skipped folders there."""
    for name in found.beside:
        for path in walk(root / name).files:
            tally.add(ending(path), reason=BESIDE, path=f"{name}/{path}")
    with os.scandir(root) as entries:
        for entry in entries:
            reason = passed_over(entry.name)
            if entry.is_dir():
                if reason:
                    tally.add("folder", reason=reason, path=entry.name)
            elif not reason and ending(entry.name) in SUFFIXES:
                tally.add(ending(entry.name), reason=BESIDE, path=entry.name)


def _notes(walks: Sequence[Walked]) -> Iterator[str]:
    """Yield hints about unusual classes."""
    used = [{f.partition("/")[0] for f in walked.files if "/" in f} for walked in walks]
    if not any(used):
        return
    every = sorted({name for walked in walks for name in walked.classes})
    nested = sorted(
        {"/".join(parts[:2]) for w in walks for f in w.files if len(parts := f.split("/")) > 2}
    )
    if len(used[0]) == 1:
        yield f"all training images are of one class, {_some(sorted(used[0]))}"
    if nested:
        yield f"class folders contain folders ({_some(nested)}): the first folder is the class"
    if empty := [name for name in every if not any(name in some for some in used)]:
        yield f"class without images: {_some(empty)}"
    if len(used) > 1:
        for here, there, where in ((used[0], used[1], 0), (used[1], used[0], 1)):
            if only := sorted(here - there):
                yield f"class only in `{walks[where].root.name}`: {_some(only)}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:NAMED]) + more
