"""The lock and the heartbeat of the process that writes to a run folder, in `.live/`.

The lock excludes a second writer; the system releases it when the process ends. The heartbeat shows
other processes, without the lock, whether and where a writer is active.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, Field

from eqspec.errors import EqspecError
from eqspec.runs.artifacts import Document, explained, read_document, sweep, write_text
from eqspec.runs.link_check import refuse_links

if TYPE_CHECKING:
    from collections.abc import Generator

FOLDER = ".live"
_EVERY_S = 5.0
_STALE_AFTER = timedelta(minutes=10)


def features_folder(path: Path) -> Path:
    """Return the folder for cached features during an evaluation; sealing removes it."""
    return path / FOLDER / "features"


class Heartbeat(Document):
    """The heartbeat of the process that writes to a run folder.

    Attributes:
        pid: process id.
        host: name of the machine.
        born: start time of the process in kernel ticks, to recognise a reused pid; None without
            /proc.
        time: time of the heartbeat.
        step: optimizer steps done; None if unknown.
    """

    pid: int = Field(ge=1, lt=2**31)
    host: str
    born: str | None
    time: AwareDatetime
    step: int | None = Field(default=None, ge=0)

    def is_alive(self, *, now: datetime) -> bool:
        """Whether the process still runs: checked directly on its machine, by age elsewhere."""
        if self.host != socket.gethostname():
            return abs(now - self.time) < _STALE_AFTER
        return _exists(self.pid) and _born(self.pid) == self.born


class Live:
    """The lock of this process on a run folder, with its heartbeat; created by `hold`."""

    def __init__(self, path: Path) -> None:
        self._file = path / FOLDER / "heartbeat.json"
        self._pid = os.getpid()
        self._born = _born(self._pid)
        self._due = 0.0
        self.beat()

    def beat(self, *, step: int | None = None) -> None:
        """Write a heartbeat if one is due; cheap enough for every step.

        Args:
            step: optimizer steps done.
        """
        if (now := time.monotonic()) < self._due:
            return
        self._due = now + _EVERY_S
        heartbeat = Heartbeat(
            pid=self._pid,
            host=socket.gethostname(),
            born=self._born,
            time=datetime.now(UTC),
            step=step,
        )
        write_text(self._file, text=heartbeat.model_dump_json() + "\n", durable=False)

    def end(self) -> None:
        """Remove the heartbeat; `hold` does this. A leftover one belongs to a dead process."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)


@contextmanager
def hold(path: Path) -> Generator[Live]:
    """Lock a run folder for this process; create it if it is missing.

    Files of interrupted writes are removed. Only one rank of a run locks its folder.

    Raises:
        EqspecError: if another process has locked it (the message names that process), or if the
            folder cannot be written.
    """
    from filelock import FileLock, Timeout

    folder = path / FOLDER
    refuse_links(path)
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # Not per thread: an evaluation may finish on a thread other than the one that locked.
        lock = FileLock(folder / "lock", thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise _in_use(path) from error
    try:
        sweep(path)
        live = Live(path)
        try:
            yield live
        finally:
            live.end()
    finally:
        lock.release()


def _in_use(path: Path) -> EqspecError:
    heartbeat = last_heartbeat(path)
    who = f"process {heartbeat.pid} on {heartbeat.host}" if heartbeat else "another process"
    return EqspecError(
        f"`{path}` is in use: {who} is writing to it",
        help="wait for it, or stop it: it then saves a checkpoint and releases the folder",
    )


def last_heartbeat(path: Path) -> Heartbeat | None:
    """Return the last heartbeat in a run folder; None if there is none."""
    try:
        return read_document(path / FOLDER / "heartbeat.json", kind=Heartbeat)
    except EqspecError:
        return None


def writer(path: Path) -> Heartbeat | None:
    """Return the heartbeat of the active writer of a run folder; None if there is none."""
    heartbeat = last_heartbeat(path)
    return (
        heartbeat if heartbeat is not None and heartbeat.is_alive(now=datetime.now(UTC)) else None
    )


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _born(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # Field 22, counted after the command's closing bracket: the command itself may contain blanks.
    return stat.rpartition(")")[2].split()[19]
