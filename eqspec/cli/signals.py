"""Turn Ctrl-C, SIGTERM and SIGUSR1 into a stop request that a run honours between two steps."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

_CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
"""Ctrl-C, what ends a process, and what warns a job of the end of its time."""


class StopSignals:
    """Stop requests by SIGINT, SIGTERM and SIGUSR1, received while `caught` is entered.

    The first signal only sets `wanted`, so that the current step can be finished and saved. When
    everything is saved (`at_rest`), and on a second signal, KeyboardInterrupt is raised at once.

    Attributes:
        at_rest: whether stopping now would lose nothing; set by the running command.
    """

    def __init__(self) -> None:
        self.at_rest = False
        self._received: signal.Signals | None = None
        self._process = os.getpid()

    @property
    def wanted(self) -> bool:
        """Whether a signal was received."""
        return self._received is not None

    @property
    def exit_status(self) -> int:
        """128 plus the number of the signal: 130 for Ctrl-C, 143 for SIGTERM, 138 for SIGUSR1."""
        return 128 + (self._received or signal.SIGINT)

    @contextmanager
    def caught(self) -> Generator[None]:
        """Handle these signals until the `with` block ends."""
        # Only the main thread may change signal handlers.
        in_main_thread = threading.current_thread() is threading.main_thread()
        numbers = _CAUGHT if in_main_thread else ()
        before = {number: signal.signal(number, self._note) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        if os.getpid() != self._process:
            # A data loader forked from this process: Ctrl-C in a terminal reaches it too, but its
            # parent ends it, with SIGTERM.
            if number == signal.SIGTERM:
                os._exit(128 + number)
            return
        again = self.wanted
        self._received = signal.Signals(number)
        if again or self.at_rest:
            raise KeyboardInterrupt
