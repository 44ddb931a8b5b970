"""The process of `eqspec`, and of `python -m eqspec`, from its first moment on.

It imports nothing before it can be interrupted: the command line takes half a second to import.
"""

import gc
import os
import sys
from contextlib import suppress

INTERRUPTED = 130
"""Exit status after Ctrl-C."""

COLLECT_AFTER = 20_000
"""New objects between two garbage collections. Python's 700 make up a fifth of an import's time."""


def main() -> int:
    """Runs one command; an interrupt that nobody else has met ends it with a word."""
    _fill_closed_streams()
    gc.set_threshold(COLLECT_AFTER)
    try:
        from eqspec.cli.main import main as command  # noqa: PLC0415 - it takes that long

        return command()
    except KeyboardInterrupt:
        with suppress(AttributeError, OSError, ValueError):  # stderr may be closed, or full
            sys.stderr.write("Stopped.\n")
        return INTERRUPTED


def _fill_closed_streams() -> None:
    """No file that is opened later may become 0, 1 or 2: what others print would end up in it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


if __name__ == "__main__":
    sys.exit(main())
