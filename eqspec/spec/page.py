"""The lines of a text, and the places in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eqspec.errors import Location

if TYPE_CHECKING:
    import yaml

# The line breaks that YAML's marks count.
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Page:
    """Turns the marks of a YAML parser into places with excerpts."""

    def __init__(self, text: str, *, name: str, prefix: str = "") -> None:
        first, *others = _LINE_BREAK.split(text)
        self._lines = (prefix + first, *others)
        self._name = name
        self._indent = len(prefix)
        self._text = text

    @property
    def start(self) -> Location:
        """The first line, as one place."""
        return self._location(0, self._indent, len(self._lines[0]))

    def location(self, first: yaml.Event, last: yaml.Event | None = None) -> Location:
        """The place of an event, or of all from one event to another."""
        start, end = first.start_mark, (last or first).end_mark
        line = start.line
        whole = len(self._line(line).rstrip())
        stop = self._shown(line, end.column) if end.line == line else whole
        return self._location(line, self._shown(line, start.column), stop)

    def mark(self, mark: yaml.Mark | None) -> Location:
        """The place of one character, where a parser gave up."""
        if mark is None:
            return self.start
        if mark.line >= len(self._lines):
            end = len(self._lines[-1])
            return self._location(len(self._lines) - 1, end, end + 1)
        column = self._shown(mark.line, mark.column)
        return self._location(mark.line, column, column + 1)

    def at(self, offset: int) -> Location:
        """The place of the character at an offset into the text."""
        before = _LINE_BREAK.split(self._text[:offset])
        column = self._shown(len(before) - 1, len(before[-1]))
        return self._location(len(before) - 1, column, column + 1)

    def _line(self, line: int) -> str:
        return self._lines[line] if line < len(self._lines) else ""

    def _shown(self, line: int, column: int) -> int:
        return column + self._indent if line == 0 else column

    def _location(self, line: int, column: int, stop: int) -> Location:
        before = self._lines[line - 1] if 0 < line <= len(self._lines) else None
        return Location(
            self._name, line + 1, column + 1, max(stop, column) + 1, self._line(line), before
        )
