"""Markdown from plain text and rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table without its empty columns; a bar inside a cell is escaped."""
    given = [tuple(row) for row in rows]
    columns = [at for at in range(len(head)) if any(row[at] for row in given)]
    yield f"| {' | '.join(head[at] for at in columns)} |"
    yield "|---" * len(columns) + "|"
    for row in given:
        yield f"| {' | '.join(row[at].replace('|', chr(92) + '|') for at in columns)} |"


def code(text: str | None) -> str:
    """Return text as a code span; nothing for nothing."""
    return f"`{text}`" if text else ""


def line(text: str) -> str:
    """Return text of several lines as one, with `<` kept from being read as HTML."""
    return " ".join(text.split()).replace("<", "&lt;")


def fence(text: str, *, language: str) -> str:
    """Return text as a block of code."""
    return f"```{language}\n{text.rstrip()}\n```"
