"""What `eqspec check` says of a legal spec, and the JSON of its diagnostics."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from eqspec.cli.layout import aligned, number
from eqspec.commands.check import Checked, Gist
from eqspec.errors import Diagnostic


def checked(result: Checked, *, width: int | None) -> Text:
    """One line per plan, wrapped at a width."""
    rows = [
        [Text("ok", "bold green"), Text(gist.name, "bold"), _one_line(gist)]
        for gist in result.plans
    ]
    return aligned(rows, width=width)


def _one_line(gist: Gist) -> str:
    method = gist.method
    if gist.equivariance is not None:
        method += f" + {gist.equivariance}({gist.transform})"
    length = f"{number(gist.steps)} steps × {number(gist.batch)}"
    data = f"{gist.data} {gist.image} px"
    return " · ".join((method, gist.backbone, data, length, f"{gist.recipe[:8]}-s{gist.seed}"))


def as_data(result: Checked) -> dict[str, Any]:
    """A legal spec as plain data."""
    return {
        "ok": True,
        "plans": [dataclasses.asdict(gist) for gist in result.plans],
        "diagnostics": _diagnostics(result.warnings),
    }


def wrong(found: Sequence[Diagnostic]) -> dict[str, Any]:
    """A spec that is not legal, as plain data."""
    return {"ok": False, "plans": [], "diagnostics": _diagnostics(found)}


def _diagnostics(found: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    return [
        {
            "code": d.code,
            "severity": d.severity.value,
            "message": d.message,
            "file": None if d.place is None else d.place.file,
            "line": None if d.place is None else d.place.line,
            "column": None if d.place is None else d.place.column,
            "end_column": None if d.place is None else d.place.end_column,
            "help": d.help,
            "notes": list(d.notes),
        }
        for d in found
    ]
