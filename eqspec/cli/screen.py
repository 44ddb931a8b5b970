"""Where a command speaks: data to stdout, talk to stderr, colour where a terminal takes it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from eqspec.cli.errors import render
from eqspec.errors import Diagnostic

PLAIN_WIDTH = 100
"""Columns that text is laid out for where no terminal says how wide it is."""


class Screen:
    """The two streams of one command.

    Attributes:
        err: rich's console on stderr, for what moves.
    """

    def __init__(self) -> None:
        self._out = _console(stderr=False)
        self.err = _console(stderr=True)

    @property
    def colour(self) -> bool:
        """Whether stderr takes colour."""
        return self.err.is_terminal and self.err.color_system is not None

    @property
    def width(self) -> int:
        """Columns of stdout."""
        return self._out.width if self._out.is_terminal else PLAIN_WIDTH

    @property
    def lives(self) -> bool:
        """Whether stderr is a terminal on which lines can be drawn anew."""
        return self.err.is_terminal and not self.err.is_dumb_terminal

    def show(self, text: Text | str = "") -> None:
        """Data."""
        self._out.print(text)

    def show_json(self, value: object) -> None:
        """Data as JSON, keys in the order given."""
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
        self._out.print(Text(text))

    def say(self, text: Text | str = "") -> None:
        """Talk."""
        self.err.print(text)

    def warn(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Warnings, drawn like errors."""
        if diagnostics:
            self.say(Text.from_ansi(render(diagnostics, colour=self.colour)))

    def suggest(self, *command: str, why: str = "") -> None:
        """The next sensible command: the last line of every command."""
        line = Text.assemble(("next: ", "bold"), shlex.join(command))
        self.say(line.append(f"   {why}" if why else "", "dim"))


def _console(*, stderr: bool) -> Console:
    plain = {"stderr": stderr, "markup": False, "highlight": False, "emoji": False}
    console = Console(**plain, soft_wrap=True)
    # NO_COLOR asks for no colour; rich would still write bold and dim.
    return Console(**plain, soft_wrap=True, color_system=None) if console.no_color else console
