"""Lists of cards, ops and specs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

from rich.text import Text

from eqspec.cli.columns import aligned
from eqspec.commands.list import OPS, SPECS, Entry

_WHERE = {
    "methods": "`method: {use: NAME}`",
    "equivariance": "`equivariance: {use: NAME, …}`",
    "backbones": "`backbone: {use: NAME}`",
    "layouts": "files that `backbone: {init: FILE}` may name",
    "datasets": "`data: {use: NAME}`",
    "augmentations": "`augment: {use: NAME}`",
    "transforms": "`transform: {use: NAME}` of an equivariance",
    "evaluations": "`evaluate: [{use: NAME}]`",
    "machines": "`eqspec plan SPEC --on NAME`",
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
    titles = (
        Text(kind, "bold"),
        *(Text(t, "dim") for t in ("rev", "status", "paper", _WHERE[kind])),
    )
    rows = [
        (
            Text(f"  {entry.family}/{entry.name}" if kind == OPS else f"  {entry.name}", "cyan"),
            Text(str(entry.rev or "")),
            Text(entry.status or "", "green" if entry.status == "proved" else "yellow"),
            Text(entry.paper or "", "dim"),
            Text(entry.about),
        )
        for entry in entries
    ]
    filled = [any(row[column].plain for row in rows) for column in range(len(titles))]
    return aligned([list(compress(row, filled)) for row in (titles, *rows)], width=width)


def as_data(kinds: Mapping[str, Sequence[Entry]]) -> list[dict[str, Any]]:
    """Every entry as plain data, in one list."""
    return [
        {"kind": kind, **dataclasses.asdict(entry)} for kind, of in kinds.items() for entry in of
    ]
