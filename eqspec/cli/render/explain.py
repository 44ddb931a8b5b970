"""Output of `eqspec explain`: pages of codes and of values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from eqspec.cli.columns import aligned
from eqspec.cli.layout import heading
from eqspec.commands.explain.lookup import Leaf
from eqspec.commands.explain.values import ValuePage
from eqspec.compile.lookup.provenance import Origin
from eqspec.spec.codes.all_codes import CODES
from eqspec.spec.codes.code import Code

_LONGEST_VALUE = 60


def codes(*, width: int | None) -> Text:
    """List the codes with their titles."""
    rows = [[Text(code.code, "bold"), code.title] for code in CODES.values()]
    return aligned(rows, width=width)


def codes_data() -> list[dict[str, Any]]:
    """Return all codes as plain data."""
    return [code_data(code) for code in CODES.values()]


def code(page: Code, *, width: int) -> Text:
    """Return the page of a code."""
    parts = (("what", page.what), ("why", page.why), ("fix", page.fix))
    example = (("wrong", page.wrong, "red"), ("right", page.right, "green"))
    rows: list[list[Text | str]] = [[Text(title, "bold"), text] for title, text in parts]
    lines: list[list[Text | str]] = [
        [Text(title if at == 0 else "", "bold"), Text(line, style)]
        for title, text, style in example
        for at, line in enumerate(text.splitlines())
    ]
    return Text("\n\n").join(
        [
            heading(f"{page.code}: {page.title}", width=width),
            aligned(rows, width=width),
            aligned(lines, width=width),
        ]
    )


def code_data(page: Code) -> dict[str, Any]:
    """Return the page of a code as plain data."""
    return dataclasses.asdict(page)


def value(page: ValuePage, *, width: int) -> Text:
    """Return the page of a value: a line per fact, and the line of the spec that sets it."""
    rows: list[list[Text | str]] = [
        ["value", Text(page.value, "bold")] if page.value is not None else [],
        ["note", page.note] if page.note else [],
        ["unit", page.unit] if page.unit else [],
        ["means", page.about] if page.about else [],
        ["default", "none: required" if page.default is None else page.default],
        ["paper", page.paper] if page.paper else [],
        ["card", page.card] if page.card else [],
        ["changes", page.changes] if page.changes else [],
        ["origin", str(page.origin)] if page.origin else [],
    ]
    parts = [heading(page.path), aligned([r for r in rows if r], indent=2, width=width)]
    location = None if page.origin is None else page.origin.location
    if location is not None and not location.file.startswith("<"):
        shown = Text(f"{location.line:>5} | ", "blue") + Text(location.excerpt.strip())
        parts += [Text(), Text(f"      {location.file}", "dim"), shown]
    return Text("\n").join(parts)


def value_data(page: ValuePage) -> dict[str, Any]:
    """Return the page of a value as plain data."""
    found = {f.name: getattr(page, f.name) for f in dataclasses.fields(page)}
    return {**found, "origin": None if page.origin is None else _origin(page.origin)}


def leaves(found: Sequence[Leaf], *, width: int | None) -> Text:
    """List the values, one per line if the width allows it."""
    rows = [[leaf.path, Text(_short(leaf.value), "bold"), str(leaf.origin)] for leaf in found]
    return aligned(rows, width=width)


def leaves_data(found: Sequence[Leaf]) -> list[dict[str, Any]]:
    """Return all values as plain data."""
    return [
        {"path": leaf.path, "value": leaf.value, "origin": _origin(leaf.origin)} for leaf in found
    ]


def _origin(origin: Origin) -> dict[str, Any]:
    location = origin.location
    return {
        "kind": origin.kind,
        "text": origin.text,
        "file": None if location is None else location.file,
        "line": None if location is None else location.line,
        "column": None if location is None else location.column,
    }


def _short(text: str) -> str:
    line = " ".join(text.split())
    if len(line) <= _LONGEST_VALUE:
        return line
    whole = line[:_LONGEST_VALUE].rpartition(" ")[0]  # break between words if possible
    return f"{whole or line[: _LONGEST_VALUE - 1]} …"
