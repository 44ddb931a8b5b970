"""Collect counts or render the table; see the package."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import torture
from benchmarks.torture.counts import FOUND, MARKS, Counts, collect, table
from eqspec.runs.artifacts import write_text


def main(arguments: Sequence[str]) -> None:
    """Collect counts or render the table."""
    match arguments:
        case ["collect", folder]:
            found = collect(Path(folder))
            write_text(FOUND, text=found.model_dump_json(indent=1) + "\n")
        case ["render"]:
            found = Counts.model_validate_json(FOUND.read_text())
            write_text(MARKS.page, text=MARKS.replaced(MARKS.page.read_text(), table(found)))
        case _:
            raise SystemExit(torture.__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
