"""`log.txt`: what was said on the way, for people; a line per event, with the time in UTC.

It is only ever added to: a run that was stopped and gone on with tells so, steps that were lost and
made again included. So no two runs have the same, and a new seal lets it differ from the old one.
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
    """A log open for writing; its folder is held by this process."""

    def __init__(self, path: Path) -> None:
        """Opens a log; one that a killed process left in the middle of a line gets its end.

        Raises:
            EqspecError: when it cannot be written.
        """
        super().__init__(path)
        with explained(path):
            if self._is_torn():
                self._file.write(b"\n")

    def _is_torn(self) -> bool:
        with opened(self._path, follow=False) as file:
            if not file.seek(0, os.SEEK_END):
                return False
            file.seek(-1, os.SEEK_END)
            return file.read() != b"\n"

    def write(self, text: str) -> None:
        """Adds what was said; further lines of it are indented.

        Raises:
            EqspecError: when the disk is full.
        """
        moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        first, *others = printable(text).splitlines() or [""]
        lines = [f"{moment}  {first}", *(f"{_INDENT}{line}" for line in others)]
        with explained(self._path):
            self._file.write(("\n".join(lines) + "\n").encode())
