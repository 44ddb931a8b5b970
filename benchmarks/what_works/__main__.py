"""Collect runs or render the table; see the package."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import what_works
from benchmarks.what_works import quickstart
from benchmarks.what_works.render import tables
from benchmarks.what_works.study import FOUND, collect
from eqspec.runs.artifacts import write_text


def main(arguments: Sequence[str]) -> None:
    """Collect runs or render the table."""
    match arguments:
        case ["collect", *roots] if roots:
            study = collect([Path(root) for root in roots])
            write_text(FOUND, text=study.model_dump_json(indent=1) + "\n")
        case ["quickstart", machine, runs]:
            found = quickstart.measured(Path(runs), machine=machine)
            write_text(quickstart.RECORDED, text=found.model_dump_json(indent=1) + "\n")
        case ["render"]:
            for marks, lines in tables():
                write_text(marks.page, text=marks.replaced(marks.page.read_text(), lines))
        case _:
            raise SystemExit(what_works.__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
