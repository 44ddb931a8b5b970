"""Sum the cases that tests have counted, and render the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.marked import RESULTS, Marks
from eqspec.runs.environment import collect as environment

FOUND = Path(__file__).with_name("found.json")
MARKS = Marks("torture", RESULTS / "torture.md")


class _Counted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(_Counted):
    """Cases of one kind."""

    tried: int
    held: int


class OfTest(_Counted):
    """Counts of one test."""

    test: str
    seconds: float
    kinds: dict[str, Kind]


class Counts(_Counted):
    """Counts of all tests, with commit and machine.

    Attributes:
        seconds: sum over all tests; they may have run in parallel.
        dirty: whether code had changed since the commit.
    """

    commit: str
    dirty: bool
    cpu: str
    cores: int
    seconds: float
    kinds: dict[str, Kind]


def collect(folder: Path) -> Counts:
    """Return the sum over the tests that wrote into a folder."""
    tests = [OfTest.model_validate_json(p.read_text()) for p in sorted(folder.glob("*.json"))]
    if not tests:
        raise SystemExit(f"no counts in {folder}")
    kinds: dict[str, Kind] = {}
    for name, kind in ((n, k) for test in tests for n, k in test.kinds.items()):
        known = kinds.get(name, Kind(tried=0, held=0))
        kinds[name] = Kind(tried=known.tried + kind.tried, held=known.held + kind.held)
    here = environment(threads=1)
    if here.checkout is None:
        raise SystemExit("run this in a git checkout: counts belong to a commit")
    return Counts(
        commit=here.checkout.commit,
        dirty=here.checkout.dirty,
        cpu=here.cpu,
        cores=here.usable_cores,
        seconds=round(sum(test.seconds for test in tests), 1),
        kinds={name: kinds[name] for name in sorted(kinds)},
    )


def table(counts: Counts) -> Iterator[str]:
    """Yield the lines of the table in Markdown."""
    yield "| kind | tried | held |"
    yield "|---|---|---|"
    for name, kind in counts.kinds.items():
        held = f"{kind.held:,}" if kind.held == kind.tried else f"**{kind.held:,}**"
        yield f"| {name} | {kind.tried:,} | {held} |"
    commit = counts.commit[:7] + (" with changes" if counts.dirty else "")
    yield ""
    yield (
        f"Commit {commit}, {counts.cores} cores of {counts.cpu}, {counts.seconds / 60:.0f} minutes "
        "of tests."
    )
