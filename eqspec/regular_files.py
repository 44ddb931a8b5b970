"""Open regular files only: opening a FIFO or a device could block for ever. Free of torch.

Untrusted files (run folders, plans, cards) are opened without following links, so that they can
neither reveal nor change a file outside their folder.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from io import BufferedReader, FileIO
from pathlib import Path
from types import MappingProxyType


class NotRegular(OSError):
    """The path is not a regular file, or is a link where none is followed; the message says so."""


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
    """Return the path after checking that it is a regular file.

    Args:
        follow: whether to follow links; if not, any link is refused.

    Raises:
        OSError: when the path does not exist, or is not a regular file (`NotRegular`).
    """
    _need_regular(path.stat(follow_symlinks=follow).st_mode)
    return path


def opened(path: Path, *, follow: bool = True) -> BufferedReader:
    """Open a regular file for reading.

    Raises:
        OSError: as in `regular`, or when the file may not be read.
    """
    regular(path, follow=follow)  # first: merely opening some devices has an effect
    # The file may have been replaced since: open without blocking, and check again.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    return BufferedReader(FileIO(_checked(os.open(path, flags)), "rb"))


def appending(path: Path) -> FileIO:
    """Open a regular file for unbuffered appending, creating it if needed; links are refused.

    Raises:
        OSError: when the path is a link or not a regular file, or may not be written.
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
    """Yield all files below a folder in sorted order; links are yielded, not followed.

    Args:
        linked: names of subfolders of the root that are followed even if they are links.
        onerror: called when a folder cannot be read; by default such a folder counts as empty.
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
    """Return the size of a regular file in bytes, or -1 if there is none."""
    return path.stat().st_size if path.is_file() else -1


def own_size(path: Path) -> int:
    """Return the size of a regular file in bytes, or -1 if there is none or it is a link."""
    try:
        found = path.stat(follow_symlinks=False)
    except OSError:
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def content_of(path: Path) -> bytes:
    """Return the content of a regular file, or no bytes if there is none."""
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
        raise NotRegular(f"it is {kind}, not a file")
