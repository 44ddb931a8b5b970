"""The process of `eqspec`, and of `python -m eqspec`, from its first moment on.

It imports nothing before it can be interrupted: the command line takes half a second to import.
"""

import sys

INTERRUPTED = 130
"""Exit status after Ctrl-C."""


def main() -> int:
    """Runs one command; an interrupt that nobody else has met ends it with a word."""
    try:
        from eqspec.cli.main import main as command  # noqa: PLC0415 - it takes that long

        return command()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
