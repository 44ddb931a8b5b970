"""Where a command speaks: data to stdout, talk to stderr, colour where a terminal takes it."""

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
"""Columns that text is laid out for where no terminal says how wide it is."""

_NARROWEST = 40
"""Columns that text is laid out for at least."""


class Screen:
    """The two streams of one command.

    Attributes:
        err: rich's console on stderr, for what moves.
        after_error: the command to suggest should this one fail; empty where none mends anything.
    """

    def __init__(self, *, asked: Sequence[str] = ()) -> None:
        self._asked = ("eqspec", *asked)
        self.after_error: Sequence[str] = ("eqspec", "--help")
        self._data, self._talk = Stream(sys.stdout), Stream(sys.stderr)
        self._out, self.err = _console(self._data), _console(self._talk)
        self.has_suggested = False

    @property
    def colour(self) -> bool:
        """Whether stderr takes colour."""
        return self.err.is_terminal and self.err.color_system is not None

    @property
    def width(self) -> int:
        """Columns of stdout."""
        return self.wrap or PLAIN_WIDTH

    @property
    def wrap(self) -> int | None:
        """Columns of a terminal, or of `COLUMNS`; None in a pipe, where a line is one item."""
        return _width(self._out)

    @property
    def talk_width(self) -> int | None:
        """The same of stderr."""
        return _width(self.err)

    @property
    def lives(self) -> bool:
        """Whether stderr is a terminal on which lines can be drawn anew."""
        return self.err.is_terminal and not self.err.is_dumb_terminal

    @property
    def lost(self) -> OSError | None:
        """Why data did not reach stdout; None where it did, or its reader had enough of it."""
        error = self._data.lost
        return None if error is None or error.errno == errno.EPIPE else error

    def taking_stdout(self) -> AbstractContextManager[object]:
        """While it is entered, what others print takes the same way, such as the text of a help."""
        return redirect_stdout(cast("IO[str]", self._data))

    def show(self, text: Text | str = "") -> None:
        """Data."""
        self._out.print(_clean(text))

    def show_json(self, value: object) -> None:
        """Data as JSON, keys in the order given; nan and infinities become null."""
        from pydantic_core import to_jsonable_python  # here: `--help` does without

        plain = to_jsonable_python(value, inf_nan_mode="null")
        text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
        self.show(printable_json(text))

    def say(self, text: Text | str = "") -> None:
        """Talk; on a terminal, wrapped."""
        width = self.talk_width
        for line in _clean(text).split("\n", allow_blank=True):
            lines = [line] if width is None else wrap(line, width=width, hang=2)
            self.err.print(Text("\n").join(lines))

    def say_drawn(self, text: str) -> None:
        """Talk that was cleaned before it got its colours."""
        self._talk.write(f"{text}\n")
        self._talk.flush()

    def warn(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Warnings, drawn like errors."""
        if diagnostics:
            said = render(diagnostics, colour=self.colour, width=self.talk_width)
            self.say_drawn(said)

    def suggest(self, *command: str) -> None:
        """The next sensible command: the last line of every command."""
        self.has_suggested = True
        # In one piece, so that it can be copied.
        self.err.print(Text.assemble(("next: ", "bold"), on_one_line(shlex.join(command))))

    def suggest_after(self, error: EqspecError) -> None:
        """What helps to mend an error; nothing where that would be the command that has failed."""
        command = tuple(self.after_error)
        if isinstance(error, SpecError) and command[-1:] != ("--help",):
            unread = all(d.code in _UNREAD and d.place is None for d in error.diagnostics)
            command = ("list", "specs") if unread else ("explain", error.diagnostics[0].code)
            command = ("eqspec", *command)
        if command and sorted(command) != sorted(self._asked):
            self.suggest(*command)


_UNREAD = frozenset({"EQ006", "EQ009"})
"""Codes of a spec that is not there, or no text."""


def _clean(text: Text | str) -> Text:
    """Text that may have been written by strangers; its own styles stay."""
    cleaned = text.copy() if isinstance(text, Text) else Text(text)
    cleaned.plain = printable(cleaned.plain)
    return cleaned


def _width(console: Console) -> int | None:
    """How wide a stream is, where a terminal or `COLUMNS` says so."""
    asked = os.environ.get("COLUMNS", "")  # noqa: TID251 - here the environment is read
    is_known = console.is_terminal or asked.isdigit()
    # Below this nothing can be laid out; a terminal that says 0 columns does not know.
    return max(console.width, _NARROWEST) if is_known else None


def _console(stream: Stream) -> Console:
    file = cast("IO[str]", stream)
    make = partial(Console, file=file, soft_wrap=True, markup=False, highlight=False, emoji=False)
    console = make()
    # NO_COLOR asks for no colour; rich would still write bold and dim.
    return make(color_system=None) if console.no_color else console
