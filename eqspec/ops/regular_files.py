"""Files that may be opened: a FIFO or a device would be waited for, for ever. Free of torch."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

_KINDS: Mapping[str, Callable[[int], bool]] = MappingProxyType(
    {
        "a FIFO": stat.S_ISFIFO,
        "a socket": stat.S_ISSOCK,
        "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
        "a folder": stat.S_ISDIR,
    }
)


def regular(path: Path) -> Path:
    """A path that may be opened; links are followed.

    Raises:
        OSError: nothing is there, or it is no regular file; the message says what it is.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        kind = next((kind for kind, is_one in _KINDS.items() if is_one(mode)), "something else")
        raise OSError(f"it is {kind}, no file")
    return path


def size_of(path: Path) -> int:
    """Bytes of a regular file; -1 where there is none."""
    return path.stat().st_size if path.is_file() else -1


def content_of(path: Path) -> bytes:
    """What is in a regular file; nothing where there is none."""
    return path.read_bytes() if path.is_file() else b""
