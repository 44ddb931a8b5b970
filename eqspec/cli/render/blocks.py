"""Tables with a heading that are drawn on a screen, or written as Markdown, from the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from eqspec.cli.columns import Cell, aligned
from eqspec.cli.layout import heading, wrapped


@dataclass(frozen=True, slots=True)
class Block:
    """A section of a page.

    Attributes:
        note: what stands beside the title.
        titles: of the columns; empty for rows that need none.
        right: columns that are aligned on the right.
        remarks: sentences below the rows.
    """

    title: str
    note: str = ""
    titles: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    right: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()


def drawn(blocks: Sequence[Block], *, width: int | None) -> Text:
    """The blocks under one another.

    Args:
        width: what fits into so many columns; None for a line per row.
    """
    return Text("\n\n").join(_drawn(block, width=width) for block in blocks)


def markdown(blocks: Sequence[Block]) -> str:
    """The same as Markdown."""
    return "\n\n".join(_markdown(block) for block in blocks)


def _drawn(block: Block, *, width: int | None) -> Text:
    lines = [heading(block.title, note=block.note, width=width)]
    titles = tuple(Text(t, "dim") for t in block.titles) if any(block.titles) else ()
    if block.rows:
        table = aligned(block.rows, titles=titles, indent=2, right=block.right, width=width)
        lines.append(table)
    for remark in block.remarks:
        said = Text(f"  {remark}")
        lines += [said] if width is None else [wrapped(remark, width=width, indent=2)]
    return Text("\n").join(lines)


def _markdown(block: Block) -> str:
    parts = [f"**{block.title}**" + (f" {_escaped(block.note)}" if block.note else "")]
    if block.rows:
        count = max(len(row) for row in (block.titles, *block.rows))
        titles = (*block.titles, *[""] * (count - len(block.titles)))
        rules = tuple("--:" if at in block.right else ":--" for at in range(count))
        rows = ((*row, *[""] * (count - len(row))) for row in block.rows)
        parts.append("\n".join(map(_line, (titles, rules, *rows))))
    return "\n\n".join([*parts, *map(_escaped, block.remarks)])


def _line(cells: Sequence[Cell]) -> str:
    return f"| {' | '.join(_escaped(str(cell)) for cell in cells)} |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
