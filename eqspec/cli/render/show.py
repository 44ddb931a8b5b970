"""Output of `eqspec show` for cards and ops."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from eqspec.cli.columns import wrap
from eqspec.cli.layout import heading, wrapped
from eqspec.commands.list import OPS
from eqspec.commands.show.card import CardPage, OpPage, Page
from eqspec.ops.parameters import Parameter

_ABOUT = 38
"""Column at which descriptions of parameters start."""

_SENTENCE = 36
"""Minimum width of descriptions next to the names; below it, they move to the next line."""

_PLAIN = 100
"""Line width when the output is not a terminal."""


def shown(pages: Sequence[Page], *, width: int | None) -> Text:
    """Return the pages, one below the other.

    Args:
        width: columns of the terminal; None to show a card exactly as in its file.
    """
    drawn = (
        _card(p, width=width) if isinstance(p, CardPage) else _op(p, width=width) for p in pages
    )
    return Text("\n\n").join(drawn)


def _preformatted(text: str, *, width: int | None, hang: int) -> Text:
    """Keep the line breaks of a text; lines that are too long continue below, indented further."""
    if width is None:
        return Text(text)
    lines = (
        part
        for line in text.split("\n")
        for part in wrap(Text(line), width=width, hang=len(line) - len(line.lstrip(" ")) + hang)
    )
    return Text("\n").join(lines)


def _prose(text: str, *, width: int | None) -> Text:
    """Wrap the paragraphs of a docstring to the width; indented ones keep their line breaks."""
    if width is None:
        return Text(text)
    paragraphs = (
        _preformatted(part, width=width, hang=0) if "\n " in part else wrapped(part, width=width)
        for part in text.split("\n\n")
    )
    return Text("\n\n").join(paragraphs)


def as_data(pages: Sequence[Page]) -> list[dict[str, Any]]:
    """Return the pages as plain data."""
    return [
        {
            "kind": "card" if isinstance(page, CardPage) else "op",
            **{
                k: str(v) if isinstance(v, Path) else v for k, v in dataclasses.asdict(page).items()
            },
        }
        for page in pages
    ]


def _card(page: CardPage, *, width: int | None) -> Text:
    text = _preformatted(page.text.strip("\n"), width=width, hang=2)
    lines = [_title(page, kind="card", width=width), Text(), text]
    if page.parameters:
        shown = (_parameter(p, width=width or _PLAIN) for p in page.parameters)
        lines += [Text(), heading("with", note="what `with:` may set"), *shown]
        beside = [n for n in page.settable if n not in {p.name for p in page.parameters}]
        if beside:
            lines.append(wrapped(f"and {', '.join(beside)}", width=width or _PLAIN, indent=2))
    elif page.settable:
        names = wrapped(", ".join(page.settable), width=width or _PLAIN, indent=2)
        lines += [Text(), heading("with", note="a path in `with:` begins with one of"), names]
    return Text("\n").join(lines)


def _op(page: OpPage, *, width: int | None) -> Text:
    lines = [
        _title(page, kind="op", width=width),
        Text(),
        _prose(page.about, width=width),
    ]
    if page.parameters:
        shown = (_parameter(p, width=width or _PLAIN) for p in page.parameters)
        lines += [Text(), heading("params"), *shown]
    if page.ports:
        marks = {(True, False): " (optional)", (False, True): " (several streams)"}
        names = ", ".join(p.name + marks.get((p.optional, p.many), "") for p in page.ports)
        ports = wrapped(names, width=width or _PLAIN, indent=2)
        lines += [Text(), heading("ports", note="the streams that it reads"), ports]
    return Text("\n").join(lines)


def _parameter(parameter: Parameter, *, width: int) -> Text:
    default = (" (required)", "yellow") if parameter.default is None else f" = {parameter.default}"
    signature = Text.assemble(
        "  ", (parameter.name, "cyan"), (f": {parameter.type}", "dim"), default
    )
    indent = _ABOUT if width - _ABOUT >= _SENTENCE else 6
    about = wrapped(parameter.about, width=width, indent=indent)
    if cell_len(signature.plain) >= indent - 1 and parameter.about:
        return Text("\n").join([*wrap(signature, width=width, hang=6), about])
    return signature + about[cell_len(signature.plain) :]


def _title(page: Page, *, kind: str, width: int | None) -> Text:
    status = f" · {page.status}" if isinstance(page, CardPage) and page.status else ""
    name = f"{page.family}/{page.name}"
    note = f"{kind}, rev {page.rev}{status}  {_relative(page.file)}"
    return heading(name, note=note, width=width)


def _relative(file: Path) -> str:
    """Return the path relative to the working directory if it is below it."""
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)


def kind(page: Page) -> str:
    """Return the argument of `eqspec list` for the page's kind."""
    return page.family if isinstance(page, CardPage) else OPS
