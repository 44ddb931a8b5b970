"""Kills this process, or lets the file system fail, at its n-th event below a folder.

An event is a file opened to be written, a write, an fsync, a rename, a removal, a new folder, a
file cut short. What python asks is seen by an audit hook; writes and fsyncs, which have none, by
wrappers. The product has no hooks for this.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

_HOOKED = {
    "os.mkdir": "mkdir",
    "os.remove": "remove",
    "os.rename": "rename",
    "os.truncate": "truncate",
}
_TAKE_ROOM = frozenset({"open", "write", "fsync", "mkdir"})
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class How(StrEnum):
    """What happens at the event."""

    COUNT = "count"
    KILL = "kill"
    TORN = "torn write"
    EIO = "EIO"
    FULL = "ENOSPC"


@dataclass
class Watch:
    """The events of this process below a folder, and what is to happen at one of them.

    Attributes:
        at: number of the event, from 1; unused when they are only counted.
        events: those so far, `<what> <path below the folder>`.
    """

    below: Path
    how: How = How.COUNT
    at: int = 0
    events: list[str] = field(default_factory=list)

    def met(self, what: str, path: object) -> bool:
        """Counts an event; whether a write at it is to be torn."""
        if not str(path).startswith(str(self.below)):
            return False
        self.events.append(f"{what} {os.path.relpath(str(path), self.below)}")
        now = len(self.events)
        if self.how is How.KILL and now == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how is How.EIO and now == self.at:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        if self.how is How.FULL and now >= self.at and what in _TAKE_ROOM:
            if now == self.at and what == "write":
                return True
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return self.how is How.TORN and now == self.at and what == "write"


def arm(watch: Watch) -> None:
    """Watches this process from now on: for one that ends soon."""
    fsync = os.fsync

    def fsync_watched(descriptor: int) -> None:
        watch.met("fsync", Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & _TO_WRITE:
            watch.met("open", arguments[0])
        elif event in _HOOKED:
            watch.met(_HOOKED[event], arguments[0])

    kind = _file(watch)
    io.open = builtins.open = _opener(watch, kind)
    for module in [m for name, m in sys.modules.items() if name.startswith("eqspec.")]:
        if getattr(module, "FileIO", None) is io.FileIO:  # what it opens by a descriptor
            module.FileIO = kind
    os.fsync = fsync_watched
    sys.addaudithook(hook)


def _opener(watch: Watch, kind: type[io.FileIO]) -> Callable[..., object]:
    """`open`, whose binary files below the folder tell of every write that reaches the system."""
    opened = io.open

    def opener(file: object, mode: str = "r", buffering: int = -1, *more: object, **named: object):
        below = isinstance(file, str | Path) and str(file).startswith(str(watch.below))
        if not below or "b" not in mode or not set(mode) & set("wax+"):
            return opened(file, mode, buffering, *more, **named)
        raw = kind(file, mode.replace("b", ""))
        return raw if buffering == 0 else io.BufferedWriter(raw)

    return opener


def _file(watch: Watch) -> type[io.FileIO]:
    class Watched(io.FileIO):
        @property
        def path(self) -> Path:
            return Path(f"/proc/self/fd/{self.fileno()}").readlink()

        def write(self, data: object) -> int:
            if not watch.met("write", self.path):
                return super().write(data)
            whole = bytes(data)
            written = super().write(whole[: len(whole) // 2])
            if watch.how is How.TORN:
                os.kill(os.getpid(), signal.SIGKILL)
            return written

        def truncate(self, size: int | None = None) -> int:
            watch.met("truncate", self.path)
            return super().truncate(size)

    return Watched


def in_child(work: Callable[[], int]) -> int:
    """Exit status of some work in a forked process; the negative signal that ended it."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(work())
        finally:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(70)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
