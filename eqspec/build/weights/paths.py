"""Where files of weights lie: what may be opened, and what is said of the rest. Free of torch."""

from __future__ import annotations

from pathlib import Path

from eqspec.errors import UsageError
from eqspec.regular_files import regular


def expanded(written: str) -> Path:
    """A path as it was written, with `~` replaced.

    Raises:
        UsageError: when it names a user that does not exist.
    """
    try:
        return Path(written).expanduser()
    except RuntimeError as error:  # there is no such user, or no home
        raise UsageError(f"`{written}` cannot be found: {error}", help="write the path") from error


def is_folder(path: Path) -> bool:
    """Whether there is a folder; `is_there` says why something cannot be looked at."""
    try:
        return path.is_dir()
    except OSError:  # the path is too long, or a folder above may not be entered
        return False


def is_there(path: Path) -> bool:
    """Whether a file of weights is at a path; False where nothing is.

    Raises:
        UsageError: when something is there that cannot be read: a FIFO, a device, a link to itself.
    """
    try:
        regular(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(
            f"`{path}` cannot be read: {said}", help="name a file of weights"
        ) from error
    return True
