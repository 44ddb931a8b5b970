"""Paths of files of weights: which may be opened, and errors for the others. Free of torch."""

from __future__ import annotations

from pathlib import Path

from eqspec.errors import UsageError
from eqspec.regular_files import regular


def expanded(written: str) -> Path:
    """Return a path with `~` replaced.

    Raises:
        UsageError: it names a user that does not exist.
    """
    try:
        return Path(written).expanduser()
    except RuntimeError as error:  # there is no such user, or no home
        raise UsageError(f"`{written}` cannot be found: {error}", help="write the path") from error


def is_folder(path: Path) -> bool:
    """Return whether a path is a folder; False if it cannot be examined, see `is_there`."""
    try:
        return path.is_dir()
    except OSError:  # the path is too long, or a folder above may not be entered
        return False


def is_there(path: Path) -> bool:
    """Return whether a file of weights exists; False if nothing does.

    Raises:
        UsageError: it cannot be read: a FIFO, a device, a link to itself.
    """
    try:
        regular(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(
            f"`{path}` cannot be read: {reason}", help="name a file of weights"
        ) from error
    return True
