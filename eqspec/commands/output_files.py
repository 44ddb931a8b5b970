"""Files that a person asks for by name: written over their own kind, and over nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from eqspec.errors import UsageError


def refuse_another_kind(path: Path, *, kind: str, is_one: Callable[[Path], bool]) -> None:
    """Refuses to write over a file of another kind, such as the spec itself.

    Args:
        path: of what is to be written; of a folder, the writing itself says that it is one.
        kind: of what is to be written: "plan".
        is_one: whether the file that is there is of that kind, too.

    Raises:
        UsageError: when it is not; it is left as it is.
    """
    if os.path.lexists(path) and not path.is_dir() and not is_one(path):
        message = f"`{path}` is there already and is no {kind}; it is left as it is"
        raise UsageError(message, help=f"write the {kind} to another file")


def first_line(path: Path, *, most: int = 10_000) -> str:
    """The first line of a file; nothing where there is no file, or one that cannot be read."""
    if not path.is_file():
        return ""
    try:
        with path.open("rb") as file:
            return file.readline(most).decode(errors="replace")
    except OSError:
        return ""
