"""Format text for the screen."""

from __future__ import annotations

from rich.text import Text

from eqspec.cli.columns import wrap
from eqspec.printable import on_one_line


def wrapped(text: str, *, width: int, indent: int = 0) -> Text:
    """Return a paragraph, wrapped and indented."""
    margin = Text(" " * indent)
    lines = wrap(Text(" ".join(text.split())), width=width - indent)
    return Text("\n").join(margin + line for line in lines)


def heading(title: str, *, note: str = "", width: int | None = None) -> Text:
    """Return the title of a section, followed by a note."""
    shown = on_one_line(title)
    line = Text.assemble((shown, "bold"), (f"  {on_one_line(note)}" if note else "", "dim"))
    lines = [line] if width is None else wrap(line, width=width, hang=4)
    return Text("\n").join(lines)
