"""Columns of text, aligned by hand: the same on a terminal and in a pipe."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Collection, Sequence

from rich.cells import cell_len
from rich.text import Text

from eqspec.printable import on_one_line

Cell = str | Text


def aligned(
    rows: Sequence[Sequence[Cell]],
    *,
    indent: int = 0,
    gap: int = 2,
    right: Collection[int] = (),
    width: int | None = None,
) -> Text:
    """Rows of cells under one another, a line each.

    Args:
        rows: of any lengths; the last cell of a row is not padded.
        right: columns that are aligned on the right.
        width: wrap the last column so that no line is wider.
    """
    texts = [[_text(cell) for cell in row] for row in rows]
    count = max((len(row) for row in texts), default=0)
    widths = [
        max((_width(row[c]) for row in texts if c < len(row)), default=0) for c in range(count)
    ]
    start = indent + sum(widths[:-1]) + gap * (count - 1)
    lines: list[Text] = []
    for row in texts:
        *front, last = row
        line = Text(" " * indent)
        for column, cell in enumerate(front):
            room = Text(" " * (widths[column] - _width(cell)))
            line.append_text(room + cell if column in right else cell + room).append(" " * gap)
        if len(row) == count and count - 1 in right:
            line.append(" " * (widths[-1] - _width(last)))
        first, *more = _wrapped(last, width=None if width is None else width - start)
        lines.append(line.append_text(first))
        lines.extend(Text(" " * start) + rest for rest in more)
    for line in lines:
        line.rstrip()
    return Text("\n").join(lines)


def wrapped(text: str, *, width: int, indent: int = 0) -> Text:
    """A paragraph."""
    margin = Text(" " * indent)
    lines = _pieces(text, width=width - indent) or [""]
    return Text("\n").join(margin + Text(line) for line in lines)


def heading(title: str, *, note: str = "") -> Text:
    """The title of a section."""
    shown = on_one_line(title)
    return Text.assemble((shown, "bold"), (f"  {on_one_line(note)}" if note else "", "dim"))


def number(value: float) -> str:
    """A number as a person writes it: 0.001, 1e-6, 2,048."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.6g}".replace("e-0", "e-").replace("e+0", "e")


def large(value: float) -> str:
    """A large number in three digits: 1.23 M, 850 k."""
    for unit, name in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            digits = max(0, 2 - math.floor(math.log10(value / unit)))
            return f"{value / unit:.{digits}f} {name}"
    return f"{value:.0f}"


def duration(seconds: float) -> str:
    """A span of time: 45 s, 3 min 20 s, 5 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _text(cell: Cell) -> Text:
    """A cell has one line, whatever a stranger's name holds."""
    text = cell.copy() if isinstance(cell, Text) else Text(cell)
    text.plain = on_one_line(text.plain)
    return text


def _width(text: Text) -> int:
    return cell_len(text.plain)


def _wrapped(text: Text, *, width: int | None) -> list[Text]:
    """Lines of at most so many columns; a style is kept where the whole text has one."""
    if width is None or _width(text) <= max(width, 0):
        return [text]
    return [Text(piece, style=text.style) for piece in _pieces(text.plain, width=max(width, 20))]


def _pieces(text: str, *, width: int) -> list[str]:
    # Names have hyphens, and are looked for as they are written.
    return textwrap.wrap(text, width, break_on_hyphens=False)
