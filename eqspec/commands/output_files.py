"""Output files named by the user, which overwrite only files of the same kind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from eqspec.errors import UsageError


def refuse_another_kind(path: Path, *, kind: str, is_one: Callable[[Path], bool]) -> None:
    """Refuse to overwrite a file of another kind, such as the spec itself.

    Args:
        path: path to write; a folder is reported later, by the write itself.
        kind: kind of the file to write, such as "plan".
        is_one: whether an existing file is of this kind.

    Raises:
        UsageError: when it is not; the file is not changed.
    """
    if os.path.lexists(path) and not path.is_dir() and not is_one(path):
        message = f"`{path}` already exists and is not a {kind}, so it is not overwritten"
        raise UsageError(message, help=f"write the {kind} to another file")


def first_line(path: Path, *, most: int = 10_000) -> str:
    """Return the first line of a file, or an empty text if it cannot be read."""
    if not path.is_file():
        return ""
    try:
        with path.open("rb") as file:
            return file.readline(most).decode(errors="replace")
    except OSError:
        return ""
