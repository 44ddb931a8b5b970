"""Published weights as rows: location, layout, and how they map to the backbone."""

from __future__ import annotations

from collections.abc import Sequence

from eqspec.cli.render.graph import Row
from eqspec.commands.plan import Described
from eqspec.commands.running.log_lines import weights_lines
from eqspec.report.numbers import number


def weight_rows(described: Described) -> list[Row]:
    """Return the facts of a plan's published weights; no rows if it has none."""
    published = described.plan.published
    if published is None:
        return []
    rows: list[Row] = [["published", published.weights]]
    if published.file is None:
        rows.append(["", "not on this machine yet; the recipe id depends on them"])
    elif published.file != published.weights:
        rows.append(["file", published.file])
    if published.sha256 is not None:
        rows.append(["sha256", published.sha256])
    if described.fit is not None:
        rows += [_log_row(line) for line in weights_lines(described.fit)]
    views = described.plan.views
    pixels = f"mean {_channels(views.mean)}, standard deviation {_channels(views.std)}"
    return [*rows, ["pixels", f"{pixels}, as these weights expect"]]


def _log_row(line: str) -> Row:
    """Split a log line into a row."""
    what, _, rest = line.partition(": ")
    return [what, rest]


def _channels(values: Sequence[float]) -> str:
    return " ".join(number(value) for value in values)
