"""Lists of cards, ops and specs: one table for each kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from eqspec.cli.columns import wrap
from eqspec.cli.rich_table import table_lines
from eqspec.commands.list import OPS, SPECS, Entry
from eqspec.printable import on_one_line

_USAGE = {
    "methods": "`method: {use: NAME}`",
    "equivariance": "`equivariance: {use: NAME, …}`",
    "backbones": "`backbone: {use: NAME}`",
    "layouts": "formats of files in `backbone: {init: FILE}`",
    "datasets": "`data: {use: NAME}`",
    "augmentations": "`augment: {use: NAME}`",
    "transforms": "`transform: {use: NAME}` in `equivariance:`",
    "evaluations": "`evaluate: [{use: NAME}]`",
    "machines": "`eqspec plan SPEC --on NAME`",
    OPS: "`impl: NAME` in a card",
    SPECS: "`eqspec run NAME`",
}
"""Kind → how a spec, a card or a command refers to its entries."""

_INDENT, _GAP = 2, 2

_NARROWEST = 32
"""Fewest columns for sentences; a narrower terminal shows them below the names."""

_UNLIMITED = 100_000
"""Columns of a pipe, in which every entry is one line."""


def listed(kinds: Mapping[str, Sequence[Entry]], *, width: int | None) -> Text:
    """Return one table per kind.

    Args:
        width: columns of the terminal; None for a pipe, with one line per entry.
    """
    sections = (_section(kind, of, width=width) for kind, of in kinds.items() if of)
    return Text("\n\n").join(sections)


def _section(kind: str, entries: Sequence[Entry], *, width: int | None) -> Text:
    title = Text.assemble((kind, "bold"), (f"  {_USAGE[kind]}", "dim"))
    facts = {
        "rev": [str(entry.rev or "") for entry in entries],
        "status": [entry.status or "" for entry in entries],
        "paper": [entry.paper or "" for entry in entries],
    }
    facts = {name: list(map(on_one_line, cells)) for name, cells in facts.items() if any(cells)}
    names = [on_one_line(f"{e.family}/{e.name}" if kind == OPS else e.name) for e in entries]
    about = [on_one_line(entry.about) for entry in entries]
    columns = {"name": names, **facts}
    taken = _INDENT + sum(max(map(cell_len, [t, *c])) + _GAP for t, c in columns.items())
    room = _UNLIMITED if width is None else width - taken
    longest = max(cell_len(word) for sentence in about for word in (sentence.split() or [""]))
    if room >= max(_NARROWEST, longest):
        return Text("\n").join([title, *_table({**columns, "about": about}, width=width)])
    return Text("\n").join([title, *_blocks(names, facts, about, width=width or _UNLIMITED)])


def _table(columns: Mapping[str, Sequence[str]], *, width: int | None) -> list[Text]:
    """Return the lines of a table; only sentences are wrapped, at spaces."""
    widths = [max(map(cell_len, (title, *cells))) for title, cells in columns.items()]
    *front, longest = widths
    room = (width or _UNLIMITED) - _INDENT - sum(front) - _GAP * len(front)
    return table_lines(
        [
            [Text(cell, _STYLES.get(at, "") or _status_style(cell)) for at, cell in named]
            for named in (
                zip(columns, row, strict=True) for row in zip(*columns.values(), strict=True)
            )
        ],
        titles=[Text(title, "dim") for title in columns],
        widths=[*front, min(longest, room)],
        indent=_INDENT,
        gap=_GAP,
    )


_STYLES = {"name": "cyan", "paper": "dim"}


def _status_style(cell: str) -> str:
    return {"proved": "green", "toy": "yellow", "ours": "yellow"}.get(cell, "")


def _blocks(
    names: Sequence[str],
    facts: Mapping[str, Sequence[str]],
    about: Sequence[str],
    *,
    width: int,
) -> list[Text]:
    """Return each entry as its name and facts, with the sentence below them."""
    lines: list[Text] = []
    for at, (name, sentence) in enumerate(zip(names, about, strict=True)):
        known = [
            f"rev {cells[at]}" if fact == "rev" else cells[at] for fact, cells in facts.items()
        ]
        head = Text.assemble(" " * _INDENT, (name, "cyan"))
        note = Text(" · ".join(filter(None, known)), "dim")
        lines += wrap(head + Text("  ") + note, width=width, hang=3 * _INDENT)
        indent = Text(" " * 3 * _INDENT)
        lines += [indent + line for line in wrap(Text(sentence), width=width - 3 * _INDENT)]
    return lines


def as_data(kinds: Mapping[str, Sequence[Entry]]) -> list[dict[str, Any]]:
    """Return all entries as plain data, in one list."""
    return [
        {"kind": kind, **dataclasses.asdict(entry)} for kind, of in kinds.items() for entry in of
    ]
