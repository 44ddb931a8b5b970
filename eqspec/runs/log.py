"""`log.txt`: what was said on the way, for people; a line per event, with the time in UTC.

It is only ever added to: a run that was stopped and gone on with tells so, steps that were lost and
made again included. So no two runs have the same, and a new seal lets it differ from the old one.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from eqspec.printable import printable
from eqspec.regular_files import appending, opened
from eqspec.runs.artifacts import explained

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_INDENT = " " * 21


class Log:
    """A log open for writing; its folder is held by this process."""

    def __init__(self, path: Path) -> None:
        """Opens a log; one that a killed process left in the middle of a line gets its end.

        Raises:
            EqspecError: when it cannot be written.
        """
        self._path = path
        with explained(path):
            self._file = appending(path)
            if self._is_torn():
                self._file.write(b"\n")

    def _is_torn(self) -> bool:
        with opened(self._path, follow=False) as file:
            if not file.seek(0, os.SEEK_END):
                return False
            file.seek(-1, os.SEEK_END)
            return file.read() != b"\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

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
