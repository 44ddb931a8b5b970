"""stdout and stderr that cannot fail in the middle of a run: what is lost is said at the end."""

from __future__ import annotations

import errno
import io
import os
from contextlib import suppress
from typing import TextIO

CLOSED = OSError(errno.EBADF, os.strerror(errno.EBADF))
"""Of a stream that the process was started without."""


class Stream(io.TextIOBase):
    """One of the two. What its encoding lacks is written as `?`; what fails is remembered.

    Attributes:
        lost: why nothing more reaches it; None while all is well.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.lost: OSError | None = None

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - as in TextIOWrapper
        """Of the stream beneath."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Of the stream beneath; OSError where it has none."""
        if self._stream is None:
            raise CLOSED
        return self._stream.fileno()

    def writable(self) -> bool:
        """Always: what cannot be written is dropped."""
        return True

    def write(self, text: str, /) -> int:
        """Writes what its encoding has; never fails."""
        if self._stream is None:
            self.lost = CLOSED
        elif self.lost is None:
            known = text.encode(self.encoding, "replace").decode(self.encoding)
            try:
                self._stream.write(known)
            except OSError as error:
                self.give_up(error)
        return len(text)

    def flush(self) -> None:
        """Hands on what was written; never fails."""
        if self._stream is not None and self.lost is None:
            try:
                self._stream.flush()
            except OSError as error:
                self.give_up(error)

    def give_up(self, error: OSError) -> None:
        """Drops all else, also what Python would flush at its end, and fail again."""
        self.lost = error
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
