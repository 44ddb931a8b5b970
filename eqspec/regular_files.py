"""Files that may be opened: a FIFO or a device would be waited for, for ever. Free of torch.

What strangers send (run folders, plans, cards) is opened without following a link, so that it can
neither show nor change a file that lies elsewhere.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from io import BufferedReader, FileIO
from pathlib import Path
from types import MappingProxyType


class NotRegular(OSError):
    """What stands there is no file, or a link where none is followed; the message says what."""


_KINDS: Mapping[str, Callable[[int], bool]] = MappingProxyType(
    {
        "a link": stat.S_ISLNK,
        "a FIFO": stat.S_ISFIFO,
        "a socket": stat.S_ISSOCK,
        "a device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
        "a folder": stat.S_ISDIR,
    }
)


def regular(path: Path, *, follow: bool = True) -> Path:
    """A path that may be opened.

    Args:
        follow: links are followed; else a link is refused, wherever it leads.

    Raises:
        OSError: nothing is there, or it is no regular file; the message says what it is.
    """
    _need_regular(path.stat(follow_symlinks=follow).st_mode)
    return path


def opened(path: Path, *, follow: bool = True) -> BufferedReader:
    """A regular file, open for reading.

    Raises:
        OSError: as `regular`, or it may not be read.
    """
    regular(path, follow=follow)  # first: opening some devices does something
    # What stands there may have been replaced meanwhile: not waited for, and looked at again.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    return BufferedReader(FileIO(_checked(os.open(path, flags)), "rb"))


def appending(path: Path) -> FileIO:
    """A regular file, made where it is missing, open for appending without a buffer; no link.

    Raises:
        OSError: a link, or no regular file, or it may not be written.
    """
    if os.path.lexists(path):
        regular(path, follow=False)
    return open(path, "ab", buffering=0, opener=_without_links)


def _without_links(path: str, flags: int) -> int:
    more = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return _checked(os.open(path, flags | more, 0o666))


def files_below(
    root: Path, *, linked: Collection[str] = (), onerror: Callable[[OSError], object] | None = None
) -> Iterator[Path]:
    """Everything below a folder that is no folder, sorted; links are given, and not followed.

    Args:
        linked: names of folders directly below the root that may be links to other folders.
        onerror: called where a folder cannot be read; without it such a folder counts as empty.
    """
    for parent, folders, names in os.walk(root, onerror=onerror):
        inside = Path(parent)
        links = [name for name in folders if (inside / name).is_symlink()]
        yield from (inside / name for name in sorted([*names, *links]) if name not in linked)
        folders[:] = sorted(set(folders) - set(links))
        if inside == root:
            for name in (name for name in links if name in linked):
                yield from files_below(root / name, onerror=onerror)


def size_of(path: Path) -> int:
    """Bytes of a regular file; -1 where there is none."""
    return path.stat().st_size if path.is_file() else -1


def own_size(path: Path) -> int:
    """Bytes of a regular file; -1 where there is none, and of a link, wherever it leads."""
    try:
        found = path.stat(follow_symlinks=False)
    except OSError:
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def content_of(path: Path) -> bytes:
    """What is in a regular file; nothing where there is none."""
    return path.read_bytes() if path.is_file() else b""


def _checked(descriptor: int) -> int:
    try:
        _need_regular(os.fstat(descriptor).st_mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _need_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((kind for kind, is_one in _KINDS.items() if is_one(mode)), "something else")
        raise NotRegular(f"it is {kind}, no file")
