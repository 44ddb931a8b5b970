"""Who is writing to a run folder right now: the lock and the heartbeat in `.live/`.

The lock keeps a second writer out, and the system drops it when its holder dies. The heartbeat
tells others, without touching the lock, whether and where somebody is at work.
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
    """Where a run caches features of the encoder that is being evaluated; sealing removes it."""
    return path / FOLDER / "features"


class Heartbeat(Document):
    """A sign of life of the process that writes to a run folder.

    Attributes:
        born: the kernel's start tick of the process, so that a reused pid is not taken for it;
            None where /proc does not tell.
        time: when the sign was given.
        step: optimizer steps done, once known.
    """

    pid: int = Field(ge=1, lt=2**31)
    host: str
    born: str | None
    time: AwareDatetime
    step: int | None = Field(default=None, ge=0)

    def is_alive(self, *, now: datetime) -> bool:
        """Whether the process still runs: asked of the system here, judged by age elsewhere."""
        if self.host != socket.gethostname():
            return abs(now - self.time) < _STALE_AFTER
        return _exists(self.pid) and _born(self.pid) == self.born


class Live:
    """The hold of this process on a run folder; made by `hold`."""

    def __init__(self, path: Path) -> None:
        self._file = path / FOLDER / "heartbeat.json"
        self._pid = os.getpid()
        self._born = _born(self._pid)
        self._due = 0.0
        self.beat()

    def beat(self, *, step: int | None = None) -> None:
        """Gives a sign of life; cheap enough to be called at every step.

        Args:
            step: optimizer steps done.
        """
        if (now := time.monotonic()) < self._due:
            return
        self._due = now + _EVERY_S
        sign = Heartbeat(
            pid=self._pid,
            host=socket.gethostname(),
            born=self._born,
            time=datetime.now(UTC),
            step=step,
        )
        write_text(self._file, text=sign.model_dump_json() + "\n", durable=False)

    def end(self) -> None:
        """Takes the heartbeat away; `hold` does this. One that stays belongs to a dead process."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)


@contextmanager
def hold(path: Path) -> Generator[Live]:
    """Makes this process the only writer of a run folder, which is made when it is missing.

    What killed writes left behind is removed. Only one rank of a run holds its folder.

    Raises:
        EqspecError: when another process holds it (the message names that process), or when the
            folder cannot be written.
    """
    from filelock import FileLock, Timeout

    folder = path / FOLDER
    refuse_links(path)
    with explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        # Not per thread: an evaluation may finish on another thread than the one that locked.
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
    sign = last_sign(path)
    who = f"process {sign.pid} on {sign.host}" if sign else "another process"
    return EqspecError(
        f"`{path}` is in use: {who} is writing to it",
        help="wait for it, or stop it: it saves a checkpoint and gives the folder free",
    )


def last_sign(path: Path) -> Heartbeat | None:
    """The last sign of life left in a run folder; None when there is none to read."""
    try:
        return read_document(path / FOLDER / "heartbeat.json", kind=Heartbeat)
    except EqspecError:
        return None


def writer(path: Path) -> Heartbeat | None:
    """The last sign of life of whoever is writing to a run folder; None when nobody is."""
    sign = last_sign(path)
    return sign if sign is not None and sign.is_alive(now=datetime.now(UTC)) else None


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
    # Field 22, counted after the command's closing bracket: the command itself may hold blanks.
    return stat.rpartition(")")[2].split()[19]
