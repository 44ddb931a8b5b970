"""Base class for files of a run that only grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.regular_files import appending
from eqspec.runs.artifacts import explained

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self


class AppendOnlyFile:
    """A file open for appending; a context manager that closes it."""

    def __init__(self, path: Path) -> None:
        """Open a file; create it if it is missing.

        Raises:
            EqspecError: if it cannot be written.
        """
        self._path = path
        with explained(path):
            # Unbuffered: `write` hands the text to the system, and nothing is written twice.
            self._file = appending(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
