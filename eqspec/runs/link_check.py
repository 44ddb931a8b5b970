"""Check that a run folder has no links to other folders.

The only exception is `checkpoints/`, which may link to a folder on another disk, but not to that of
another run: saving and `eqspec gc` would change the other run's checkpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.errors import FolderMismatch
from eqspec.runs.artifacts import CHECKPOINTS, explained

if TYPE_CHECKING:
    from pathlib import Path


def refuse_links(path: Path) -> None:
    """Refuse a run folder with a link to another folder.

    Raises:
        FolderMismatch: with the path of the link.
        EqspecError: if the folder cannot be read.
    """
    with explained(path, doing="read"):
        there = sorted(path.iterdir()) if path.is_dir() else []
        links = [inside for inside in there if inside.is_symlink() and inside.is_dir()]
    for inside in links:
        if inside.name != CHECKPOINTS:
            raise FolderMismatch(
                f"`{inside}` is a link, which a run folder may not contain",
                help=f"replace it by the folder itself; only `{CHECKPOINTS}` may be a link",
            )
        if (inside.resolve().parent / "plan.json").exists():
            raise FolderMismatch(
                f"`{inside}` is a link into another run, `{inside.resolve().parent}`",
                help="link to a separate folder, or remove the link",
            )
