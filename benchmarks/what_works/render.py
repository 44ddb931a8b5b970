"""Every table of measured results, with its place."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.marked import Marks
from benchmarks.what_works import families, page, quickstart
from benchmarks.what_works.study import FOUND, Study


def tables() -> Iterator[tuple[Marks, tuple[str, ...]]]:
    """Yield the place and the lines of every table."""
    study = Study.model_validate_json(FOUND.read_text(encoding="utf-8"))
    yield page.MARKS, tuple(page.table(study))
    yield families.MARKS, tuple(families.table(families.recorded()))
    run = quickstart.recorded()
    yield quickstart.TRANSCRIPT, tuple(quickstart.transcript(run))
    yield quickstart.SUMMARY, tuple(quickstart.summary(run))
