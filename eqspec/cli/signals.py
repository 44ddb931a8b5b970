"""Ctrl-C and SIGTERM as a wish to stop, which the run meets between two steps."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_CAUGHT = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Catches both signals while it is entered.

    The first one is only noted, so that the step at hand can be finished and saved. At rest, when
    all that was done is saved, and at the second one, KeyboardInterrupt is raised at once.

    Attributes:
        at_rest: nothing would be lost by stopping now; set by whoever knows.
    """

    def __init__(self) -> None:
        self.at_rest = False
        self._received: signal.Signals | None = None
        self._process = os.getpid()
        self._before: dict[signal.Signals, Any] = {}

    @property
    def wanted(self) -> bool:
        """Whether a signal has come."""
        return self._received is not None

    @property
    def exit_status(self) -> int:
        """128 and the signal's number: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + (self._received or signal.SIGINT)

    def __enter__(self) -> Self:
        # Python lets no other thread than the main one change handlers.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _CAUGHT}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if os.getpid() != self._process:
            # A loader's process, forked from this one: a terminal's Ctrl-C reaches it too, but only
            # its parent ends it, with SIGTERM.
            if number == signal.SIGTERM:
                os._exit(128 + number)
            return
        again = self.wanted
        self._received = signal.Signals(number)
        if again or self.at_rest:
            raise KeyboardInterrupt
