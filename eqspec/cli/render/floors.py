"""Section of `eqspec plan` on the floors of the reconstruction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from eqspec.report.floors import floor_rows as error_rows
from eqspec.report.numbers import number

if TYPE_CHECKING:
    from eqspec.cli.render.graph import Row
    from eqspec.commands.plan import Described
    from eqspec.nn.readouts.floors import PathFloors

NOTE = "mean squared error over the pixels' variance; below `blind` the transform is learned"


def floor_rows(described: Described) -> list[Row]:
    """Return a row for each prediction that needs no training; none where nothing was measured."""
    found = described.floors
    if found is None:
        return []
    titles: Row = ["", Text(_side(found.size), "dim"), Text(_side(found.side), "dim"), _of(found)]
    return [titles, *(list[str | Text](row) for row in error_rows(found))]


def _side(side: int) -> str:
    return f"{side} × {side}"


def _of(found: PathFloors) -> Text:
    return Text(f"{number(found.images)} images, variance {found.variance:.3g}", "dim")
