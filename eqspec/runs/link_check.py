"""A run folder is all its own: nothing in it is read or written through a link that leads out.

The one exception is `checkpoints/`, which may be a link to a folder on another disk, though not to
that of another run: what is saved there, and what `eqspec gc` removes, would be the other's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.errors import FolderMismatch
from eqspec.runs.artifacts import CHECKPOINTS, explained

if TYPE_CHECKING:
    from pathlib import Path


def refuse_links(path: Path) -> None:
    """Refuses a run folder one of whose folders is another's.

    Raises:
        FolderMismatch: naming the link.
        EqspecError: when the folder cannot be read.
    """
    with explained(path, doing="read"):
        there = sorted(path.iterdir()) if path.is_dir() else []
        links = [inside for inside in there if inside.is_symlink() and inside.is_dir()]
    for inside in links:
        if inside.name != CHECKPOINTS:
            raise FolderMismatch(
                f"`{inside}` is a link, and nothing of a run is read or written through one",
                help=f"move the folder itself to its place; only `{CHECKPOINTS}` may be a link",
            )
        if (inside.resolve().parent / "plan.json").exists():
            raise FolderMismatch(
                f"`{inside}` is a link into another run, `{inside.resolve().parent}`",
                help="let it lead to a folder of its own, or remove it",
            )
