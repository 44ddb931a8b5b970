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

_INDENT = " " * 21


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
