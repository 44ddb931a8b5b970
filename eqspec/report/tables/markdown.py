"""Blocks as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from eqspec.report.tables.block import Block, Cell, lines_of


def markdown(blocks: Sequence[Block]) -> str:
    """Return the blocks as Markdown, a paragraph or a table each."""
    return "\n\n".join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    parts = [f"**{block.title}**" + (f" {_escaped(block.note)}" if block.note else "")]
    parts += [_escaped(block.about)] if block.about else []
    filled = [row for row in block.rows if row]
    if filled:
        count = max(len(row) for row in (block.titles, *filled))
        titles = (*block.titles, *[""] * (count - len(block.titles)))
        rules = tuple("--:" if at in block.right else ":--" for at in range(count))
        rows = ((*row, *[""] * (count - len(row))) for row in filled)
        parts.append("\n".join(map(_line, (titles, rules, *rows))))
    return "\n\n".join([*parts, *map(_escaped, block.remarks)])


def _line(cells: Sequence[Cell]) -> str:
    return f"| {' | '.join(_text(cell) for cell in cells)} |"


def _text(cell: Cell) -> str:
    return " ".join(text for line in lines_of(cell) if (text := _escaped(str(line)).strip()))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
