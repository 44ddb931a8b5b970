"""Output of `eqspec eval`: a table per evaluation."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from eqspec.cli.render.compare import as_data, folders, tables
from eqspec.commands.running.comparison import Comparison, Done

__all__ = ["as_data", "evaluated"]


def evaluated(comparison: Comparison, done: Sequence[Done], *, width: int) -> Text:
    """Return the whole page."""
    return Text("\n\n").join(
        [tables(comparison, width=width), folders(done, strips=False, width=width)]
    )
