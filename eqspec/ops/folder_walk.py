"""Search for the image files below a folder, with counts of the files and folders left out.

Links are followed, since class folders are often on another disk. Folders are identified by device
and inode, so that loops of links end, and a real folder takes precedence over a link to it. Free of
torch.
"""

from __future__ import annotations

import os
import stat
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from eqspec.errors import EqspecError
from eqspec.ops.left_out import (
    AGAIN,
    BACK,
    BROKEN,
    FORMAT,
    HIDDEN,
    OTHER,
    OTHER_FORMATS,
    SUFFIXES,
    LeftOut,
    Tally,
    ending,
    passed_over,
    shown,
)

Identity = tuple[int, int]
"""(device, inode) of a file or folder."""


@dataclass(frozen=True, slots=True)
class Walked:
    """Content of a folder.

    Attributes:
        root: the folder.
        files: paths of the images relative to it, with forward slashes, sorted.
        folders: identity → path of every folder that was read; the root is ``""``.
        linked: whether a link was followed.
        left_out: files and folders that are not read.
        links: identity of the target → path, for those `files` that are links.
        inodes: inodes of all other `files`.
    """

    root: Path
    files: tuple[str, ...]
    folders: Mapping[Identity, str]
    linked: bool
    left_out: tuple[LeftOut, ...]
    links: Mapping[Identity, str]
    inodes: _Inodes

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the folders directly below the root, sorted."""
        return tuple(sorted(p for p in self.folders.values() if p and "/" not in p))

    def shared_with(self, other: Walked) -> tuple[str, str] | None:
        """Return the paths, here and there, of the first folder or image that both contain."""
        for identity, name in self.folders.items():
            if identity in other.folders:
                return name, other.folders[identity]
        for identity, name in self.links.items():
            there = other.links.get(identity) or other.inodes.path_of(identity, root=other.root)
            if there is not None:
                return name, there
        for identity, there in other.links.items():
            here = self.inodes.path_of(identity, root=self.root)
            if here is not None:
                return here, there
        return None


class _Inodes:
    """Inodes of the real image files, read from directory entries without a call per file."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._numbers = array("Q")
        self._index: dict[int, list[int]] | None = None

    def add(self, path: str, *, inode: int) -> None:
        """Add a file."""
        self._paths.append(path)
        self._numbers.append(inode)

    def path_of(self, identity: Identity, *, root: Path) -> str | None:
        """Return the file of an identity; inodes only narrow the search, as devices share them."""
        if self._index is None:
            self._index = {}
            for at, number in enumerate(self._numbers):
                self._index.setdefault(number, []).append(at)
        for at in self._index.get(identity[1], ()):
            if _identity(os.path.join(root, self._paths[at])) == identity:  # noqa: PTH118 - fast
                return self._paths[at]
        return None


def images_below(root: Path) -> Iterator[str]:
    """Yield the paths of image files relative to root, with forward slashes, sorted.

    Raises:
        EqspecError: a folder cannot be read, or a name is not UTF-8.
    """
    yield from walk(root).files


def walk(root: Path) -> Walked:
    """Return the content of a folder.

    Raises:
        EqspecError: a folder cannot be read, or a name is not UTF-8.
    """
    return _Walk(root).done()


def folders_in(root: Path) -> tuple[str, ...]:
    """Return the sorted names of the folders directly below a folder that may contain images.

    Raises:
        EqspecError: the folder cannot be read, or a name is not UTF-8.
    """
    entries = (e for e in _entries(str(root)) if not passed_over(e.name))
    names = sorted(e.name for e in entries if e.is_dir())
    for name in names:
        need_utf8(name, name, root=root)
    return tuple(names)


def class_folders(root: Path) -> tuple[str, ...]:
    """Return `folders_in`; of several links to one folder, only the one that is read.

    Raises:
        EqspecError: a folder cannot be read, or a name is not UTF-8.
    """
    names = folders_in(root)
    return walk(root).classes if any((root / name).is_symlink() for name in names) else names


class _Walk:
    """A search in progress."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[str] = []
        self.folders: dict[Identity, str] = {}
        self.left_out = Tally()
        self.folder_links: list[str] = []
        self.file_links: list[tuple[str, Identity]] = []
        self.inodes = _Inodes()

    def done(self) -> Walked:
        """Carry out the search."""
        self._enter("")
        linked = self.root.is_symlink()
        while self.folder_links:  # last, because real folders take precedence
            waiting, self.folder_links = sorted(self.folder_links), []
            for path in waiting:
                linked = True
                if _leads_back(self._full(path)):
                    self.left_out.add("folder", reason=BACK, path=path)
                else:
                    self._enter(path, linked=True)
        links = self._linked_files()
        return Walked(
            root=self.root,
            files=tuple(sorted(self.files)),
            folders=MappingProxyType(self.folders),
            linked=linked or bool(self.file_links),
            left_out=self.left_out.all,
            links=MappingProxyType(links),
            inodes=self.inodes,
        )

    def _enter(self, top: str, *, linked: bool = False) -> None:
        """Read a folder and all real folders below it; skip a linked folder already read."""
        below = [top]
        while below:
            inside = below.pop()
            full = self._full(inside)
            identity = _identity(full)
            if linked and identity in self.folders:
                self.left_out.add("folder", reason=AGAIN, path=inside)
                continue
            entries = _entries(full)
            self.folders.setdefault(identity, inside)
            for entry in entries:
                path = f"{inside}/{entry.name}" if inside else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if self._wanted(entry, path):
                        below.append(path)
                elif entry.is_symlink():
                    self._link(entry, path)
                elif self._is_image(entry.name, path):
                    self.files.append(path)
                    self.inodes.add(path, inode=entry.inode())

    def _link(self, entry: os.DirEntry[str], path: str) -> None:
        try:
            status = entry.stat()
        except OSError:
            # A broken link with an image's name counts as an image, reported when it is read.
            if self._is_image(entry.name, path, otherwise=BROKEN):
                self.files.append(path)
            return
        if stat.S_ISDIR(status.st_mode):
            if self._wanted(entry, path):
                self.folder_links.append(path)
        elif self._is_image(entry.name, path):
            self.file_links.append((path, (status.st_dev, status.st_ino)))

    def _linked_files(self) -> dict[Identity, str]:
        """Return the links to image files that are not read already."""
        found: dict[Identity, str] = {}
        for path, identity in sorted(self.file_links):
            again = identity in found or self.inodes.path_of(identity, root=self.root) is not None
            if again:
                self.left_out.add(ending(path), reason=AGAIN, path=path)
            else:
                found[identity] = path
                self.files.append(path)
        return found

    def _wanted(self, entry: os.DirEntry[str], path: str) -> bool:
        """Return whether to read a folder; count it if not."""
        reason = passed_over(entry.name)
        if reason:
            self.left_out.add("folder", reason=reason, path=path)
            return False
        need_utf8(entry.name, path, root=self.root)
        return True

    def _is_image(self, name: str, path: str, *, otherwise: str | None = None) -> bool:
        kind = ending(name)
        if name.startswith("."):
            self.left_out.add(kind, reason=HIDDEN, path=path)
            return False
        if kind in SUFFIXES:
            need_utf8(name, path, root=self.root)
            return True
        reason = otherwise or (FORMAT if kind in OTHER_FORMATS else OTHER)
        self.left_out.add(kind, reason=reason, path=path)
        return False

    def _full(self, path: str) -> str:
        return os.path.join(self.root, path) if path else str(self.root)  # noqa: PTH118 - fast


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        message = f"cannot read the folder {shown(folder)}: {error.strerror or error}"
        help_ = "its images would be missing: make it readable, or move it away"
        raise EqspecError(message, help=help_) from error


def _identity(path: str) -> Identity:
    """Return the identity of a path's file or folder; a missing one has an identity of its own."""
    try:
        status = os.stat(path)  # noqa: PTH116 - fast
    except OSError:
        return -1, hash(path)
    # Some network file systems have no inode numbers.
    return (status.st_dev, status.st_ino) if status.st_ino else (-1, hash(os.path.realpath(path)))


def _leads_back(link: str) -> bool:
    """Return whether a link points to a folder that contains it."""
    return Path(link).parent.resolve().is_relative_to(Path(link).resolve())


def need_utf8(name: str, path: str, *, root: Path) -> None:
    """Check that a name can be hashed, printed and written as JSON.

    Args:
        name: name of a file or folder.
        path: its path, relative to the root.

    Raises:
        EqspecError: the name is not UTF-8.
    """
    if name.isascii():
        return
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise EqspecError(
            f"the name `{shown(name)}` in {shown((root / path).parent)} is not UTF-8",
            help="rename it, or all names of a folder: convmv -r -f latin1 -t utf8 --notest DIR",
        ) from error
