"""Pages of cards and ops."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from eqspec.cli.layout import heading, wrapped
from eqspec.commands.list import OPS
from eqspec.commands.show import CardPage, OpPage, Page
from eqspec.ops.parameters import Parameter

_ABOUT = 38
"""Column at which parameters are explained."""


def shown(pages: Sequence[Page], *, width: int) -> Text:
    """One page under the other."""
    drawn = (
        _card(p, width=width) if isinstance(p, CardPage) else _op(p, width=width) for p in pages
    )
    return Text("\n\n").join(drawn)


def as_data(pages: Sequence[Page]) -> list[dict[str, Any]]:
    """The pages as plain data."""
    return [
        {
            "kind": "card" if isinstance(page, CardPage) else "op",
            **{
                k: str(v) if isinstance(v, Path) else v for k, v in dataclasses.asdict(page).items()
            },
        }
        for page in pages
    ]


def _card(page: CardPage, *, width: int) -> Text:
    lines = [_title(page, kind="card"), Text(), Text(page.text.strip("\n"))]
    if page.settable:
        names = wrapped(", ".join(page.settable), width=width, indent=2)
        lines += [Text(), heading("with", note="a path in `with:` begins with one of"), names]
    return Text("\n").join(lines)


def _op(page: OpPage, *, width: int) -> Text:
    lines = [_title(page, kind="op"), Text(), Text(page.about)]
    if page.parameters:
        lines += [Text(), heading("params"), *(_parameter(p, width=width) for p in page.parameters)]
    if page.ports:
        marks = {(True, False): " (optional)", (False, True): " (several streams)"}
        names = ", ".join(p.name + marks.get((p.optional, p.many), "") for p in page.ports)
        lines += [Text(), heading("ports", note="the streams that it reads"), Text(f"  {names}")]
    return Text("\n").join(lines)


def _parameter(parameter: Parameter, *, width: int) -> Text:
    default = (" (required)", "yellow") if parameter.default is None else f" = {parameter.default}"
    signature = Text.assemble(
        "  ", (parameter.name, "cyan"), (f": {parameter.type}", "dim"), default
    )
    about = wrapped(parameter.about, width=width, indent=_ABOUT)
    if cell_len(signature.plain) >= _ABOUT - 1 and parameter.about:
        return Text("\n").join([signature, about])
    return signature + about[cell_len(signature.plain) :]


def _title(page: Page, *, kind: str) -> Text:
    status = f" · {page.status}" if isinstance(page, CardPage) and page.status else ""
    name = f"{page.family}/{page.name}"
    return Text.assemble(
        (name, "bold"), (f"  {kind}, rev {page.rev}{status}  {_near(page.file)}", "dim")
    )


def _near(file: Path) -> str:
    """The path as seen from here, where that is shorter."""
    here = Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else str(file)


def kind(page: Page) -> str:
    """What to list to see others like it."""
    return page.family if isinstance(page, CardPage) else OPS
