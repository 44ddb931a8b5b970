"""Blocks as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType

from rich.cells import cell_len
from rich.text import Text

from eqspec.cli.columns import aligned, side_by_side
from eqspec.cli.layout import heading, wrapped
from eqspec.report.tables.block import Block, Cell, Line, Span, Style, lines_of

_STYLES: MappingProxyType[Style, str] = MappingProxyType(
    {
        "": "",
        "strong": "bold",
        "dim": "dim",
        "name": "cyan",
        "good": "green",
        "bad": "bold red",
        "warning": "yellow",
    }
)


def drawn(blocks: Iterable[Block], *, width: int | None) -> Text:
    """Draw blocks below one another.

    Args:
        width: in columns; None for one line per row.
    """
    return Text("\n\n").join(_drawn(block, width=width) for block in blocks)


def styled(line: Line) -> Text:
    """Return a line in the colours of the screen."""
    return Text(line.text, _STYLES[line.style]) if isinstance(line, Span) else Text(line)


def _drawn(block: Block, *, width: int | None) -> Text:
    title = heading(block.title, note=block.note, width=width)
    if block.repeated:
        above = [title] if not block.about else [title, _sentence(block.about, width=width)]
        first, *more = _continued(block, width=width) or [Text()]
        # Blank lines surround a paragraph; without one, the table follows its title.
        head = [*above, first] if block.about else [Text("\n").join([title, first])]
        remarks = [_sentence(remark, width=width) for remark in block.remarks]
        return Text("\n\n").join([*head, *more, *remarks])
    lines = [title]
    if block.about:
        lines.append(_sentence(block.about, width=width, indent=2))
    if block.rows:
        titles = tuple(Text(str(one), "dim") for one in block.titles) if any(block.titles) else ()
        rows = [[_one_line(cell) for cell in row] for row in block.rows]
        lines.append(aligned(rows, titles=titles, indent=2, right=block.right, width=width))
    lines += [_sentence(remark, width=width, indent=2) for remark in block.remarks]
    return Text("\n").join(lines)


def _sentence(text: str, *, width: int | None, indent: int = 0) -> Text:
    return Text(" " * indent + text) if width is None else wrapped(text, width=width, indent=indent)


def _one_line(cell: Cell) -> Text:
    return Text(" ").join(styled(line) for line in lines_of(cell))


def _continued(block: Block, *, width: int | None) -> list[Text]:
    """Split a table into several if its columns do not fit side by side."""
    lines = [line for row in (block.titles, *block.rows) for line in _lines(row)]
    count = max(map(len, lines), default=0)
    columns = [[line[at].plain for line in lines if at < len(line)] for at in range(count)]
    widths = [max(map(cell_len, column)) for column in columns]
    front = range(block.repeated)
    room = (width or sum(widths) + 2 * count) - sum(widths[at] + 2 for at in front) + 2
    tables: list[Text] = []
    for group in side_by_side(widths[block.repeated :], room=room):
        chosen = [*front, *(at + block.repeated for at in group)]
        cells = [[line[at] for at in chosen if at < len(line)] for line in lines]
        filled = [line for line in cells if not line or any(cell.plain for cell in line)]
        right = [at for at, column in enumerate(chosen) if column in block.right]
        tables.append(aligned(filled, right=right))
    return tables


def _lines(row: Sequence[Cell]) -> Iterator[list[Text]]:
    """Yield the lines of a row, as many as its tallest cell has."""
    cells = [lines_of(cell) for cell in row]
    for at in range(max(map(len, cells), default=1)):
        yield [styled(cell[at]) if at < len(cell) else Text() for cell in cells]
