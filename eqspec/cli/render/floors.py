"""Section of `eqspec plan` on the floors of the reconstruction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from eqspec.report.numbers import number

if TYPE_CHECKING:
    from eqspec.cli.render.graph import Row
    from eqspec.commands.plan import Described
    from eqspec.nn.readouts.path_floors import PathFloors

NOTE = "mean squared error over the pixels' variance; below `blind` the transform is learned"


def floor_rows(described: Described) -> list[Row]:
    """Return a row for each prediction that needs no training; none where nothing was measured."""
    found = described.floors
    if found is None:
        return []
    size = max(view.size for view in described.plan.views.views)
    titles: Row = ["", Text(_side(size), "dim"), Text(_side(found.side), "dim"), _of(found)]
    full, coarse = found.full, found.coarse
    return [
        titles,
        ["copied", _error(full.copied), _error(coarse.copied), "view 2 itself"],
        ["blind", _error(full.blind), _error(coarse.blind), "mean over all transforms of view 2"],
        ["known", _error(full.known), _error(coarse.known), "view 2, transformed back"],
    ]


def _side(side: int) -> str:
    return f"{side} × {side}"


def _of(found: PathFloors) -> Text:
    return Text(f"{number(found.images)} images, variance {found.variance:.3g}", "dim")


def _error(value: float | None) -> str:
    """Return an error; a dash where the transform cannot be undone."""
    return "–" if value is None else f"{value:.3f}"
