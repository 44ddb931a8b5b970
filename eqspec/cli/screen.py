"""Output of a command: results to stdout, messages to stderr, colour only on a terminal."""

from __future__ import annotations

import errno
import json
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, redirect_stdout
from functools import partial
from typing import IO, cast

from rich.console import Console
from rich.text import Text

from eqspec.cli.columns import wrap
from eqspec.cli.errors import render
from eqspec.cli.streams import Stream
from eqspec.errors import Diagnostic, EqspecError, SpecError
from eqspec.printable import on_one_line, printable, printable_json

PLAIN_WIDTH = 100
"""Width of the layout, in columns, when stdout is not a terminal."""

_NARROWEST = 40
"""Smallest width of the layout, in columns."""


class Screen:
    """Output streams of one command.

    Attributes:
        err: rich console on stderr, for live displays.
        after_error: command to suggest if this one fails; empty for no suggestion.
        follows: which of several processes this is, if another one of them prints.
    """

    def __init__(self, *, asked: Sequence[str] = ()) -> None:
        self._asked = ("eqspec", *asked)
        self.after_error: Sequence[str] = ("eqspec", "--help")
        self._data, self._talk = Stream(sys.stdout), Stream(sys.stderr)
        self._out, self.err = _console(self._data), _console(self._talk)
        self.has_suggested = False
        self.follows = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """Arguments of the command line."""
        return self._asked[1:]

    @property
    def colour(self) -> bool:
        """Whether stderr supports colour."""
        return self.err.is_terminal and self.err.color_system is not None

    @property
    def width(self) -> int:
        """Width of stdout in columns."""
        return self.wrap or PLAIN_WIDTH

    @property
    def wrap(self) -> int | None:
        """Width at which to wrap stdout; None for a pipe, where every item is one line."""
        return _width(self._out)

    @property
    def talk_width(self) -> int | None:
        """Width at which to wrap stderr; None for no wrapping."""
        return _width(self.err)

    @property
    def lives(self) -> bool:
        """Whether stderr is a terminal that can redraw lines."""
        return self.err.is_terminal and not self.err.is_dumb_terminal

    @property
    def lost(self) -> OSError | None:
        """Error of writing to stdout; None if there was none, or if the reader closed the pipe."""
        error = self._data.lost
        return None if error is None or error.errno == errno.EPIPE else error

    def taking_stdout(self) -> AbstractContextManager[object]:
        """Redirect other prints to stdout, such as help texts, through the same stream."""
        return redirect_stdout(cast("IO[str]", self._data))

    def follow(self, who: str) -> None:
        """Print nothing from now on: the main process does.

        Args:
            who: this process: `rank 1 of 2`.
        """
        self.follows = who
        self._data.muted = self._talk.muted = True

    def speak(self) -> None:
        """Print again, after the main process had time to report the same error."""
        self._talk.muted = False
        self.say(f"{self.follows}:")

    def show(self, text: Text | str = "") -> None:
        """Print results to stdout."""
        self._out.print(_clean(text))

    def show_json(self, value: object) -> None:
        """Print results as JSON, keys in the order given; nan and infinities become null."""
        from pydantic_core import to_jsonable_python  # imported late to keep `--help` fast

        plain = to_jsonable_python(value, inf_nan_mode="null")
        text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
        self.show(printable_json(text))

    def say(self, text: Text | str = "") -> None:
        """Print a message to stderr, wrapped on a terminal."""
        width = self.talk_width
        for line in _clean(text).split("\n", allow_blank=True):
            lines = [line] if width is None else wrap(line, width=width, hang=2)
            self.err.print(Text("\n").join(lines))

    def say_drawn(self, text: str) -> None:
        """Print a message to stderr that is already cleaned and coloured."""
        self._talk.write(f"{text}\n")
        self._talk.flush()

    def warn(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Print warnings in the layout of errors."""
        if diagnostics:
            self.say_drawn(render(diagnostics, colour=self.colour, width=self.talk_width))

    def suggest(self, *command: str) -> None:
        """Print the suggested next command, the last line of every command."""
        self.has_suggested = True
        # Never wrapped, so that it can be copied.
        self.err.print(Text.assemble(("next: ", "bold"), on_one_line(shlex.join(command))))

    def suggest_after(self, error: EqspecError) -> None:
        """Suggest a command that helps to fix an error, unless it is the one that failed."""
        command = tuple(self.after_error)
        if isinstance(error, SpecError) and command[-1:] != ("--help",):
            unreadable = all(
                d.code in _UNREADABLE and d.location is None for d in error.diagnostics
            )
            command = ("list", "specs") if unreadable else ("explain", error.diagnostics[0].code)
            command = ("eqspec", *command)
        if command and sorted(command) != sorted(self._asked):
            self.suggest(*command)


_UNREADABLE = frozenset({"EQ006", "EQ009"})
"""Codes of a spec that does not exist or is not text."""


def _clean(text: Text | str) -> Text:
    """Replace unprintable characters; styles are kept."""
    cleaned = text.copy() if isinstance(text, Text) else Text(text)
    cleaned.plain = printable(cleaned.plain)
    return cleaned


def _width(console: Console) -> int | None:
    """Return the width given by the terminal or by `COLUMNS`, else None."""
    columns = os.environ.get("COLUMNS", "")  # noqa: TID251 - the CLI reads the environment
    is_known = console.is_terminal or columns.isdigit()
    # A terminal of unknown width reports 0 columns.
    return max(console.width, _NARROWEST) if is_known else None


def _console(stream: Stream) -> Console:
    file = cast("IO[str]", stream)
    make = partial(Console, file=file, soft_wrap=True, markup=False, highlight=False, emoji=False)
    console = make()
    # With NO_COLOR set, rich would still write bold and dim.
    return make(color_system=None) if console.no_color else console
