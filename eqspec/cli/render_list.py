"""Lists of cards, ops and specs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from eqspec.cli.layout import aligned
from eqspec.commands.list import OPS, SPECS, Entry

_WHERE = {
    "methods": "`method: {use: NAME}`",
    "equivariance": "`equivariance: {use: NAME, …}`",
    "backbones": "`backbone: {use: NAME}`",
    "datasets": "`data: {use: NAME}`",
    "augmentations": "`augment: {use: NAME}`",
    "transforms": "`transform: {use: NAME}` of an equivariance",
    "evaluations": "`evaluate: [{use: NAME}]`",
    OPS: "mechanisms that cards name: `impl: NAME`",
    SPECS: "`eqspec run NAME`",
}


def listed(kinds: Mapping[str, Sequence[Entry]], *, width: int | None) -> Text:
    """One section per kind.

    Args:
        width: wrap the sentences; None for one line per entry.
    """
    return Text("\n\n").join(_section(k, of, width=width) for k, of in kinds.items() if of)


def _section(kind: str, entries: Sequence[Entry], *, width: int | None) -> Text:
    rated = any(entry.status for entry in entries)
    cited = any(entry.paper for entry in entries)
    versioned = any(entry.rev for entry in entries)

    def row(name: Text, rev: Text, status: Text, paper: Text, about: Text) -> list[Text]:
        return [name, *[rev] * versioned, *[status] * rated, *[paper] * cited, about]

    title = row(
        Text(kind, "bold"), *(Text(t, "dim") for t in ("rev", "status", "paper", _WHERE[kind]))
    )
    rows = [
        row(
            Text(f"  {entry.family}/{entry.name}" if kind == OPS else f"  {entry.name}", "cyan"),
            Text(str(entry.rev or "")),
            Text(entry.status or "", "green" if entry.status == "proved" else "yellow"),
            Text(entry.paper or "", "dim"),
            Text(entry.about),
        )
        for entry in entries
    ]
    return aligned([title, *rows], width=width)


def as_data(kinds: Mapping[str, Sequence[Entry]]) -> list[dict[str, Any]]:
    """Every entry as plain data, in one list."""
    return [
        {"kind": kind, **dataclasses.asdict(entry)} for kind, of in kinds.items() for entry in of
    ]
