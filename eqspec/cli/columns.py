"""Tables without lines, laid out to fit the width of a terminal.

No word, number or path is ever cut. A table that is too wide uses the first of these layouts that
fits, for all of its rows:

1. the last column is wrapped; in a table with titles, other columns of text are wrapped too;
2. in a table without titles, the last cell is placed below its row;
3. every row becomes a block, with the column titles next to the values.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from eqspec.cli.rich_table import table_lines
from eqspec.printable import on_one_line

Cell = str | Text

_SENTENCE = 24
"""Minimum width of the last column, so that a sentence stays readable."""

_PHRASE = 12
"""Minimum width of the other columns of text."""

_HANG = 4
"""Indentation of the lines below the first line of a row."""

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
    """Align rows of cells in columns.

    Args:
        rows: rows of cells; their lengths may differ.
        titles: column titles, shown above the rows.
        indent: spaces before every line.
        gap: spaces between columns.
        right: indices of the right-aligned columns.
        width: maximum width of a line; None for one line per row.
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
    """Break a text at spaces into lines of at most `width` columns; styles are kept.

    Args:
        hang: indentation of all lines but the first.
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
    """Group columns so that each group fits into `room`; every group has at least one column."""
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
        """Return the width of a whole line."""
        return self.indent + sum(widths) + self.gap * (len(widths) - 1)

    def least(self, column: int, natural: int) -> int:
        """Return the minimum width of a column."""
        if column in self.right:  # numbers, and words next to them, are never wrapped
            return max(_widest(self.rows, column), _longest_word(self.titles[column : column + 1]))
        cells = [row[column] for row in self.every if column < len(row)]
        if column < self.count - 1:
            return min(natural, max(_PHRASE, _longest_word(cells)))
        # Without titles, a longer word such as a path moves below its row: see `_row`.
        longest = _longest_word(cells) if self.titles else 0
        return min(natural, max(_SENTENCE, longest))


def _lines(table: _Table, *, width: int | None) -> Iterator[Text]:
    """Yield the lines of the first layout that fits."""
    natural = table.widths()
    fitting = natural if width is None else _fitting(table, natural, width=width)
    if table.titles and fitting is not None and all(map(len, table.rows)):
        yield from table_lines(
            [_full(row, count=table.count) for row in table.rows],
            titles=_full(table.titles, count=table.count),
            widths=fitting,
            right=table.right,
            indent=table.indent,
            gap=table.gap,
        )
        return
    front = table.taken([*natural[:-1], 0]) - table.gap
    for row in table.every:
        if fitting is not None:
            yield from _row(table, row, fitting, width=width)
        elif not table.titles and table.count > 1 and front <= (width or front):
            yield from _above(table, row, natural, width=width or front)
        elif row is not table.titles:
            yield from _block(table, row, width=width or front)


def _full(row: Sequence[Text], *, count: int) -> list[Text]:
    return [*row, *(Text() for _ in range(count - len(row)))]


def _fitting(table: _Table, natural: Sequence[int], *, width: int) -> list[int] | None:
    """Narrow the widest columns until all fit; None if they cannot."""
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
    """Lay out cells side by side; a last cell with a word that does not fit goes below them."""
    if not row:
        return [Text()]
    rooms = list(widths[: len(row)])
    if width is not None:  # the last cell of a shorter row gets the rest of the line
        rooms[-1] = width - table.taken([*rooms[:-1], 0])
    if width is not None and len(row) > 1 and _longest_word(row[-1:]) > rooms[-1]:
        return _above(table, row, widths, width=width)
    cells = [wrap(cell, width=room) for cell, room in zip(row, rooms, strict=True)]
    return _beside(table, cells if width is not None else [[cell] for cell in row], widths)


def _beside(table: _Table, cells: Sequence[Sequence[Text]], widths: Sequence[int]) -> list[Text]:
    """Join cells of one or several lines, padded to the widths of their columns."""
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
    """Lay out a row with its last cell below the others."""
    if len(row) < table.count:
        return _beside(table, [[cell] for cell in row], widths)
    name = row[0].plain
    start = table.indent + len(name) - len(name.lstrip(" ")) + _HANG
    lines = _beside(table, [[cell] for cell in row[:-1]], widths)
    lines += [Text(" " * start) + line for line in wrap(row[-1], width=width - start)]
    return [line for line in lines if line.plain.strip()] or lines[:1]


def _block(table: _Table, row: Sequence[Text], *, width: int) -> list[Text]:
    """Lay out a row as a block: one cell after the other, each after its column title."""
    start = Text(" " * (table.indent + _HANG))
    lines = [Text(" " * table.indent)]
    can_continue = True
    for column, cell in enumerate(row):
        title = table.titles[column].plain if 0 < column < len(table.titles) else ""
        labelled = Text.assemble((f"{title}: ", "dim"), cell) if title else cell
        if not cell.plain.strip():
            continue
        if not lines[-1].plain.strip():
            prefix = lines.pop()
        elif can_continue and _width(lines[-1]) + table.gap + _width(labelled) <= width:
            prefix = lines.pop() + Text(" " * table.gap)
        else:
            prefix = start
        first, *more = wrap(labelled, width=width - _width(start))
        lines += [prefix + first, *(start + line for line in more)]
        can_continue = not more
    return lines


def _one_line(cell: Cell) -> Text:
    """Return a cell as a single line; a name may contain line breaks."""
    text = cell.copy() if isinstance(cell, Text) else Text(cell)
    text.plain = on_one_line(text.plain)
    return text


def _width(text: Text) -> int:
    return cell_len(text.plain)


def _widest(rows: Sequence[Sequence[Text]], column: int) -> int:
    return max((_width(row[column]) for row in rows if column < len(row)), default=0)


def _longest_word(cells: Sequence[Text]) -> int:
    return max((cell_len(w) for cell in cells for w in _WORD.findall(cell.plain)), default=0)
