"""Wrappers of stdout and stderr whose errors do not interrupt a run but are reported at the end."""

from __future__ import annotations

import errno
import io
import os
from contextlib import suppress
from typing import TextIO

CLOSED = OSError(errno.EBADF, os.strerror(errno.EBADF))
"""Error of a stream that was closed before the process started."""


class Stream(io.TextIOBase):
    """Text stream that never raises; characters missing in its encoding are written as `?`.

    Attributes:
        lost: the error after which nothing is written any more; None if there was none.
        muted: whether text is dropped, because another process prints.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.lost: OSError | None = None
        self.muted = False

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - as in TextIOWrapper
        """Encoding of the wrapped stream."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether the wrapped stream is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """File descriptor of the wrapped stream; OSError if there is none."""
        if self._stream is None:
            raise CLOSED
        return self._stream.fileno()

    def writable(self) -> bool:
        """Always true: text that cannot be written is dropped."""
        return True

    def write(self, text: str, /) -> int:
        """Write the text; never raises."""
        if self.muted:
            return len(text)
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
        """Flush the wrapped stream; never raises."""
        if self._stream is not None and self.lost is None:
            try:
                self._stream.flush()
            except OSError as error:
                self.give_up(error)

    def give_up(self, error: OSError) -> None:
        """Drop all further text, including what Python flushes at exit, which would fail again."""
        self.lost = error
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
