"""Entry point of `eqspec` and of `python -m eqspec`.

The command line takes half a second to import, so it is imported where Ctrl-C is already handled.
"""

import gc
import os
import sys
from contextlib import suppress

ENVIRONMENT = {
    # cuBLAS repeats a product bit for bit only with a workspace of its own for each stream.
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    # Threads sleep at barriers instead of spinning, which takes the time of whoever shares a core.
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""Variables that torch reads when it is imported or first used, unless the user has set them."""

INTERRUPTED = 130
"""Exit status after Ctrl-C."""

COLLECT_AFTER = 20_000
"""New objects between two garbage collections; Python's default of 700 slows imports by a fifth."""


def main() -> int:
    """Run one command and return its exit status; an unhandled Ctrl-C prints one line."""
    _fill_closed_streams()
    gc.set_threshold(COLLECT_AFTER)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)  # noqa: TID251 - before torch is imported
    try:
        from eqspec.cli.main import main as command  # noqa: PLC0415 - slow to import

        return command()
    except KeyboardInterrupt:
        with suppress(AttributeError, OSError, ValueError):  # stderr may be closed or full
            sys.stderr.write("Stopped.\n")
        return INTERRUPTED
    finally:
        # Otherwise Python searches all modules for cycles when it exits: an eighth of `check`.
        gc.freeze()


def _fill_closed_streams() -> None:
    """Open /dev/null for closed standard streams, so that no file opened later gets 0, 1 or 2."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free descriptor


if __name__ == "__main__":
    sys.exit(main())
