"""The page of `eqspec audit`: findings by level, and every sealing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from eqspec.commands.audit.findings import PUBLISHED_SEAL, Disagreement, Finding, Level
from eqspec.commands.audit.levels import Audit
from eqspec.report.numbers import distinct
from eqspec.report.tables.block import Block, Cell, Span
from eqspec.runs.record import Sealing

_MEANS = (
    (Level.INTACT, "every file as it was sealed"),
    (Level.SAME_HERE, "spec, code, environment and data the same here"),
    (Level.REPLAYS, "the first steps replay bit for bit"),
    (Level.RESULTS, "repeated evaluations give the stored numbers"),
)
_WORDS: tuple[tuple[bool | None, Span], ...] = (
    (True, Span("ok", "good")),
    (False, Span("differs", "bad")),
    (None, Span("unknown", "warning")),
)
_HOLDS: tuple[tuple[bool | None, Span], ...] = (
    (True, Span("holds", "good")),
    (False, Span("does not hold", "bad")),
    (None, Span("cannot be checked", "warning")),
)
_ABSENT = "–"

_BESIDE = "within the tolerance for rounding"
"""Note on numbers that differ within the tolerance when measured again."""

_MOST = 4
"""Maximum number of files shown per sealing; `--json` has all."""


def blocks(audit: Audit) -> Iterator[Block]:
    """Yield the sections: a line per finding, disagreements, sealings, levels."""
    rows = tuple(
        (found.level.value, Span(found.about, "strong"), _word(found), found.message)
        for found in audit.findings
    )
    yield Block(audit.name, note=f"{audit.state.value}, {audit.path}", rows=rows)
    for found in audit.findings:
        yield from _differences(found)
    if audit.sealings:
        yield Block(
            "sealings", note="the first one first", rows=tuple(map(_sealing, audit.sealings))
        )
    yield Block("levels", rows=tuple(_levels(audit)))


def as_data(audit: Audit) -> JsonValue:
    """Return the audit as plain data."""
    return {
        "name": audit.name,
        "path": str(audit.path),
        "state": audit.state.value,
        "holds": audit.holds,
        "levels": {level.value: holds for level, holds in audit.levels.items()},
        "findings": to_jsonable_python(audit.findings),
        "sealings": to_jsonable_python(audit.sealings),
    }


def _sealing(one: Sealing) -> tuple[Cell, ...]:
    """Return time and command of a sealing, and the changes since the previous one."""
    when = "–" if one.time is None else f"{one.time:%Y-%m-%d %H:%M:%S}"
    if one.record_missing:
        what = Span("the record was missing: changes and earlier seals are unknown", "warning")
    elif one.replaced is None:
        what = Span("the first")
    else:
        kinds = (("changed", one.changed), ("added", one.added), ("removed", one.removed))
        parts = [f"{kind} {_listed(names)}" for kind, names in kinds if names]
        what = Span("; ".join(parts) or "nothing had changed")
    return (when, one.action or "–", what)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")


def _word(found: Finding) -> Span:
    if not found.counts:
        return Span("not kept", "dim")
    return next(word for holds, word in _WORDS if holds is found.holds)


def _differences(found: Finding) -> Iterator[Block]:
    if found.about == PUBLISHED_SEAL and found.disagreements:
        pairs = found.disagreements
        rows = tuple((one.name, one.recorded or _ABSENT, one.here or _ABSENT) for one in pairs)
        yield Block(found.about, titles=("", "published", "here"), rows=rows)
    elif found.level is Level.INTACT and found.disagreements:
        rows = tuple((one.name, one.here or _ABSENT) for one in found.disagreements)
        yield Block(found.about, rows=rows)
    elif found.disagreements:
        rows = tuple(map(_row, found.disagreements))
        yield Block(found.about, titles=("", "recorded", "here"), rows=rows)
    if found.beside:
        rows = tuple(map(_row, found.beside))
        yield Block(
            f"{found.about}, tolerated",
            note=_BESIDE if found.level is Level.RESULTS else "changes no number",
            titles=("", "recorded", "here"),
            rows=rows,
        )


def _row(one: Disagreement) -> tuple[str, ...]:
    try:  # two numbers of a replay, which are recorded in all their digits
        return (one.name, *distinct(float(one.recorded or ""), float(one.here or "")))
    except ValueError:
        return (one.name, one.recorded or _ABSENT, one.here or _ABSENT)


def _levels(audit: Audit) -> Iterator[tuple[Cell, ...]]:
    for level, means in _MEANS:
        word = Span("not requested", "dim")
        if level in audit.levels:
            word = next(word for holds, word in _HOLDS if holds is audit.levels[level])
        yield (level.value, word, means)
