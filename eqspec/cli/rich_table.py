"""Tables drawn by rich, as lines of text that can be joined with others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text


def table_lines(
    rows: Sequence[Sequence[Text]],
    *,
    titles: Sequence[Text],
    widths: Sequence[int],
    right: Collection[int] = (),
    indent: int = 0,
    gap: int = 2,
) -> list[Text]:
    """Return the lines of a table without rules; cells are wrapped at spaces.

    Args:
        widths: of the columns, each at least as wide as the longest word in it.
        right: indices of the right-aligned columns, which are never wrapped.
        indent: spaces before every line.
        gap: spaces between columns.
    """
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="")
    for at, (title, width) in enumerate(zip(titles, widths, strict=True)):
        table.add_column(title, justify="right" if at in right else "left", width=width)
    for row in rows:
        table.add_row(*row)
    console = Console(file=StringIO(), width=sum(widths) + gap * len(widths))
    lines: list[Text] = []
    for segments in console.render_lines(table, pad=False):
        line = Text(" " * indent)
        line.append_text(Text.assemble(*((part.text, part.style or "") for part in segments)))
        line.rstrip()
        lines.append(line)
    return lines
