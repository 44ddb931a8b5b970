"""Published weights as rows: where they are, how they are laid out, and what becomes of each."""

from __future__ import annotations

from collections.abc import Sequence

from eqspec.cli.render.graph import Row
from eqspec.commands.plan import Described
from eqspec.commands.running.log_lines import weights_lines
from eqspec.report.numbers import number


def weight_rows(described: Described) -> list[Row]:
    """What is known of a plan's published weights; nothing where it has none."""
    published = described.plan.published
    if published is None:
        return []
    rows: list[Row] = [["published", published.weights]]
    if published.file is None:
        rows.append(["", "not here yet: the recipe's id is not known before they are"])
    elif published.file != published.weights:
        rows.append(["file", published.file])
    if published.sha256 is not None:
        rows.append(["sha256", published.sha256])
    if described.fit is not None:
        rows += [_told(line) for line in weights_lines(described.fit)]
    views = described.plan.views
    said = f"mean {_channels(views.mean)}, standard deviation {_channels(views.std)}"
    return [*rows, ["pixels", f"{said}, as these weights expect them"]]


def _told(line: str) -> Row:
    """What the log says in one line, as a row."""
    what, _, rest = line.partition(": ")
    return [what, rest]


def _channels(values: Sequence[float]) -> str:
    return " ".join(number(value) for value in values)
