"""Tables without lines: aligned where there is room, and below one another where there is not.

No word, number or path is ever cut. What does not fit a width is laid out in the first of these
ways that fits, the same way for all rows of a table:

1. the last column is wrapped; of a table with titles, other columns of text too;
2. of a table without titles, the last cell is put below its row;
3. every row becomes a block of its own, with the titles of the columns beside their values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from eqspec.printable import on_one_line

Cell = str | Text

_SENTENCE = 24
"""Fewest columns in which a sentence is read with ease: the last column is not narrowed further."""

_PHRASE = 12
"""The same for the columns before it."""

_HANG = 4
"""By how much what belongs to a row is indented below it."""

_WORD = re.compile(r"[^ \t\n\r\f\v]+")


def aligned(
    rows: Sequence[Sequence[Cell]],
    *,
    titles: Sequence[Cell] = (),
    indent: int = 0,
    gap: int = 2,
    right: Collection[int] = (),
    width: int | None = None,
) -> Text:
    """Rows of cells under one another.

    Args:
        rows: of any lengths.
        titles: of the columns, in a row of their own above them.
        right: columns that are aligned on the right.
        width: lay them out so that no line is wider; None for a line per row.
    """
    table = _Table(
        rows=[[_one_line(cell) for cell in row] for row in rows],
        titles=[_one_line(title) for title in titles],
        indent=indent,
        gap=gap,
        right=frozenset(right),
    )
    lines = list(_lines(table, width=width))
    for line in lines:
        line.rstrip()
    return Text("\n").join(lines)


def wrap(text: Text, *, width: int, hang: int = 0) -> list[Text]:
    """Lines of at most so many columns, broken at spaces only; styles are kept.

    Args:
        hang: by how much all lines but the first are indented.
    """
    lines: list[Text] = []
    start = end = 0
    for word in _WORD.finditer(text.plain):
        room = width - (hang if lines else 0)
        if end and cell_len(text.plain[start : word.end()]) > room:
            lines.append(text[start:end])
            start = word.start()
        end = word.end()
    first, *more = [*lines, text[start:end]]
    return [first, *(Text(" " * hang) + line for line in more)]


def side_by_side(widths: Sequence[int], *, room: int, gap: int = 2) -> list[list[int]]:
    """Which columns stand beside one another, where not all of them do: at least one each time."""
    blocks: list[list[int]] = []
    left = 0
    for column, width in enumerate(widths):
        if not blocks or width + gap > left:
            blocks.append([])
            left = room
        blocks[-1].append(column)
        left -= width + gap
    return blocks


@dataclass(frozen=True, slots=True)
class _Table:
    rows: list[list[Text]]
    titles: list[Text]
    indent: int
    gap: int
    right: frozenset[int]

    @property
    def every(self) -> list[list[Text]]:
        return [self.titles, *self.rows] if self.titles else self.rows

    @property
    def count(self) -> int:
        return max((len(row) for row in self.every), default=0)

    def widths(self) -> list[int]:
        return [_widest(self.every, column) for column in range(self.count)]

    def taken(self, widths: Sequence[int]) -> int:
        """Columns of a whole line."""
        return self.indent + sum(widths) + self.gap * (len(widths) - 1)

    def least(self, column: int, natural: int) -> int:
        """The narrowest that a column may become."""
        if column in self.right:  # numbers stay whole, with what stands beside them
            return max(_widest(self.rows, column), _longest_word(self.titles[column : column + 1]))
        cells = [row[column] for row in self.every if column < len(row)]
        if column < self.count - 1:
            return min(natural, max(_PHRASE, _longest_word(cells)))
        # A longer word than there is room for, as a path is, goes below its own row.
        return min(natural, _SENTENCE)


def _lines(table: _Table, *, width: int | None) -> Iterator[Text]:
    """In the first way that fits."""
    natural = table.widths()
    fitting = natural if width is None else _fitting(table, natural, width=width)
    front = table.taken([*natural[:-1], 0]) - table.gap
    for row in table.every:
        if fitting is not None:
            yield from _row(table, row, fitting, width=width)
        elif not table.titles and table.count > 1 and front <= (width or front):
            yield from _above(table, row, natural, width=width or front)
        elif row is not table.titles:
            yield from _block(table, row, width=width or front)


def _fitting(table: _Table, natural: Sequence[int], *, width: int) -> list[int] | None:
    """Widths at which all columns fit, the widest narrowed first; None where there are none."""
    first = 0 if table.titles else table.count - 1
    least = [
        wide if column < first else table.least(column, wide) for column, wide in enumerate(natural)
    ]
    if table.taken(least) > width:
        return None
    found = list(natural)
    while table.taken(found) > width:
        loose = [column for column, wide in enumerate(found) if wide > least[column]]
        at = max(loose, key=lambda column: found[column])
        found[at] -= 1
    return found


def _row(
    table: _Table, row: Sequence[Text], widths: Sequence[int], *, width: int | None
) -> list[Text]:
    """Cells side by side; a last one with a word that does not fit there goes below them."""
    if not row:
        return [Text()]
    rooms = list(widths[: len(row)])
    if width is not None:  # the last cell of a shorter row has the rest of the line
        rooms[-1] = width - table.taken([*rooms[:-1], 0])
    if width is not None and len(row) > 1 and _longest_word(row[-1:]) > rooms[-1]:
        return _above(table, row, widths, width=width)
    cells = [wrap(cell, width=room) for cell, room in zip(row, rooms, strict=True)]
    return _beside(table, cells if width is not None else [[cell] for cell in row], widths)


def _beside(table: _Table, cells: Sequence[Sequence[Text]], widths: Sequence[int]) -> list[Text]:
    """Cells of one or several lines, padded to the widths of their columns."""
    lines: list[Text] = []
    for at in range(max(map(len, cells))):
        line = Text(" " * table.indent)
        for column, cell in enumerate(cells):
            text = cell[at] if at < len(cell) else Text()
            padding = Text(" " * (widths[column] - _width(text)))
            line += padding + text if column in table.right else text + padding
            line += Text(" " * table.gap)
        lines.append(line)
    return lines


def _above(table: _Table, row: Sequence[Text], widths: Sequence[int], *, width: int) -> list[Text]:
    """A row whose last cell is put below the others."""
    if len(row) < table.count:
        return _beside(table, [[cell] for cell in row], widths)
    name = row[0].plain
    start = table.indent + len(name) - len(name.lstrip(" ")) + _HANG
    lines = _beside(table, [[cell] for cell in row[:-1]], widths)
    lines += [Text(" " * start) + line for line in wrap(row[-1], width=width - start)]
    return [line for line in lines if line.plain.strip()] or lines[:1]


def _block(table: _Table, row: Sequence[Text], *, width: int) -> list[Text]:
    """A row as lines of its own: one cell after the other, each beside its title."""
    start = Text(" " * (table.indent + _HANG))
    lines = [Text(" " * table.indent)]
    may_go_on = True
    for column, cell in enumerate(row):
        title = table.titles[column].plain if 0 < column < len(table.titles) else ""
        said = Text.assemble((f"{title}: ", "dim"), cell) if title else cell
        if not cell.plain.strip():
            continue
        if not lines[-1].plain.strip():
            begun = lines.pop()
        elif may_go_on and _width(lines[-1]) + table.gap + _width(said) <= width:
            begun = lines.pop() + Text(" " * table.gap)
        else:
            begun = start
        first, *more = wrap(said, width=width - _width(start))
        lines += [begun + first, *(start + line for line in more)]
        may_go_on = not more
    return lines


def _one_line(cell: Cell) -> Text:
    """A cell has one line, whatever a stranger's name holds."""
    text = cell.copy() if isinstance(cell, Text) else Text(cell)
    text.plain = on_one_line(text.plain)
    return text


def _width(text: Text) -> int:
    return cell_len(text.plain)


def _widest(rows: Sequence[Sequence[Text]], column: int) -> int:
    return max((_width(row[column]) for row in rows if column < len(row)), default=0)


def _longest_word(cells: Sequence[Text]) -> int:
    return max((cell_len(w) for cell in cells for w in _WORD.findall(cell.plain)), default=0)
