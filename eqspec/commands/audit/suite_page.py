"""The page of `eqspec audit --suite`: one row for each run, a column for each level."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import JsonValue

from eqspec.commands.audit import page
from eqspec.commands.audit.findings import Level
from eqspec.commands.audit.levels import Audit
from eqspec.commands.audit.suite import Suite, Unaudited, first_reason
from eqspec.report.tables.block import Block, Cell, Span
from eqspec.spec.phrases import counted

_HOLDS: tuple[tuple[bool | None, Span], ...] = (
    (True, Span("holds", "good")),
    (False, Span("does not", "bad")),
    (None, Span("unknown", "warning")),
)
_NOT_ASKED = Span("not asked", "dim")
_NOTHING = Span("–", "dim")
"""Where a level has nothing to check in a run."""


def blocks(suite: Suite) -> Iterator[Block]:
    """Yield the table of all runs, and the first reason of each that does not hold."""
    yield Block(
        "audit",
        note=f"whether each level holds, through {suite.requested.value}, {suite.root}",
        titles=("run", *(level.value for level in Level)),
        rows=tuple(_row(suite, one) for one in suite.runs),
        remarks=(_counts(suite),),
    )
    reasons = tuple((one.name, text) for one in suite.runs if (text := first_reason(one)))
    if reasons:
        note = "`eqspec audit RUN` shows every one"
        yield Block("first reasons", note=note, rows=reasons)


def as_data(suite: Suite) -> JsonValue:
    """Return the audits as plain data: for each run what `eqspec audit RUN --json` prints."""
    return {
        "root": str(suite.root),
        "requested": suite.requested.value,
        "holds": suite.holds,
        "runs": [_run_as_data(suite, one) for one in suite.runs],
    }


def _row(suite: Suite, one: Audit | Unaudited) -> tuple[Cell, ...]:
    levels = suite.levels(one)
    words = (_word(levels, level, asked=level in suite.asked) for level in Level)
    return (Span(one.name, "name"), *words)


def _word(levels: dict[Level, bool | None], level: Level, *, asked: bool) -> Span:
    if level not in levels:
        return _NOTHING if asked else _NOT_ASKED
    return next(word for holds, word in _HOLDS if holds is levels[level])


def _counts(suite: Suite) -> str:
    """Count the runs by their worst level."""
    found = [set(suite.levels(one).values()) for one in suite.runs]
    fail = sum(False in levels for levels in found)
    unknown = sum(None in levels and False not in levels for levels in found)
    hold = len(found) - fail - unknown
    parts = (
        counted(hold, "holds", "hold"),
        counted(fail, "does not", "do not"),
        f"{unknown:,} cannot be checked",
    )
    return f"{counted(len(found), 'run')}: {', '.join(parts)}."


def _run_as_data(suite: Suite, one: Audit | Unaudited) -> JsonValue:
    if isinstance(one, Audit):
        data = page.as_data(one)
        assert isinstance(data, dict), "the page of a run"
        return {**data, "unreadable": None}
    return {
        "name": one.name,
        "path": str(one.path),
        "state": None,
        "holds": False,
        "levels": {level.value: holds for level, holds in suite.levels(one).items()},
        "findings": [],
        "sealings": [],
        "unreadable": one.reason,
    }
