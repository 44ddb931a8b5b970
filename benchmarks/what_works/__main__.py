"""Collect runs or render the table; see the package."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import what_works
from benchmarks.what_works.page import MARKS, table
from benchmarks.what_works.study import FOUND, Study, collect
from eqspec.runs.artifacts import write_text


def main(arguments: Sequence[str]) -> None:
    """Collect runs or render the table."""
    match arguments:
        case ["collect", *roots] if roots:
            study = collect([Path(root) for root in roots])
            write_text(FOUND, text=study.model_dump_json(indent=1) + "\n")
        case ["render"]:
            study = Study.model_validate_json(FOUND.read_text())
            write_text(MARKS.page, text=MARKS.replaced(MARKS.page.read_text(), table(study)))
        case _:
            raise SystemExit(what_works.__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
