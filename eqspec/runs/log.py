"""`log.txt`: a readable log of a run, one line per event, with the time in UTC.

Lines are only appended. The log of a resumed run also shows its interruptions and repeated steps,
so logs of equal runs differ, and the log may grow between one seal and the next.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eqspec.printable import printable
from eqspec.regular_files import opened
from eqspec.runs.append_only_file import AppendOnlyFile
from eqspec.runs.artifacts import explained

if TYPE_CHECKING:
    from pathlib import Path

FAILED = "failed: "
"""Beginning of the line of an attempt that ended with an error."""

_INDENT = " " * 21
_TAIL = 1 << 14


class Log(AppendOnlyFile):
    """A log open for appending; this process must have locked its folder."""

    def __init__(self, path: Path) -> None:
        """Open a log, and complete a last line that a killed process left without a newline.

        Raises:
            EqspecError: if it cannot be written.
        """
        super().__init__(path)
        with explained(path):
            if self._lacks_newline():
                self._file.write(b"\n")

    def _lacks_newline(self) -> bool:
        with opened(self._path, follow=False) as file:
            if not file.seek(0, os.SEEK_END):
                return False
            file.seek(-1, os.SEEK_END)
            return file.read() != b"\n"

    def write(self, text: str) -> None:
        """Append a text with the current time; its further lines are indented.

        Raises:
            EqspecError: if the disk is full.
        """
        moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        first, *others = printable(text).splitlines() or [""]
        lines = [f"{moment}  {first}", *(f"{_INDENT}{line}" for line in others)]
        with explained(self._path):
            self._file.write(("\n".join(lines) + "\n").encode())


def last_failure(path: Path) -> str:
    """Return the error with which the last attempt ended, on one line; empty if with none."""
    *_, last = "", *_entries(path)
    return last.removeprefix(FAILED) if last.startswith(FAILED) else ""


def failed_alike(path: Path) -> bool:
    """Return whether the last two attempts that failed did so with the same error."""
    *_, before, last = "", "", *(entry for entry in _entries(path) if entry.startswith(FAILED))
    return bool(last) and last == before


def _entries(path: Path) -> list[str]:
    """Return the newest entries, each on one line without its time; none if it cannot be read."""
    try:
        with opened(path, follow=False) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    entries: list[list[str]] = []
    for line in lines:
        if not line.startswith(_INDENT) or not entries:
            entries.append([])
        entries[-1].append(line[len(_INDENT) :].strip())
    return [" ".join(filter(None, (*one[:1], "; ".join(one[1:])))) for one in entries]
