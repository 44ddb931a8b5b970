"""A section of a page: title, note and table, for a terminal or Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Style = Literal["", "strong", "dim", "name", "good", "bad", "warning"]
"""The role of a text; a terminal shows each in its colour."""


@dataclass(frozen=True, slots=True)
class Span:
    """Text with a style."""

    text: str
    style: Style = ""

    def __str__(self) -> str:
        return self.text


Line = str | Span

Cell = Line | tuple[Line, ...]
"""One line, or several below one another."""


@dataclass(frozen=True, slots=True)
class Block:
    """A section of a page.

    Attributes:
        note: shown next to the title.
        about: a paragraph above the table.
        titles: of the columns; empty for rows that need none.
        rows: an empty row is a blank line.
        right: indices of the right-aligned columns.
        remarks: sentences below the table.
        repeated: number of leading columns to repeat if a wide table is split into several; 0 for a
            table of text, whose cells are wrapped instead.
    """

    title: str
    note: str = ""
    about: str = ""
    titles: tuple[Cell, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    right: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()
    repeated: int = 0


def lines_of(cell: Cell) -> tuple[Line, ...]:
    """Return the lines of a cell."""
    return cell if isinstance(cell, tuple) else (cell,)
