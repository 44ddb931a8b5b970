"""What an audit found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import JsonValue
from pydantic_core import to_jsonable_python
from rich.text import Text

from eqspec.cli.layout import distinct
from eqspec.cli.render.blocks import Block
from eqspec.commands.audit.findings import Disagreement, Finding, Level
from eqspec.commands.audit.levels import Audit
from eqspec.runs.record import Sealing

_MEANS = (
    (Level.INTACT, "every file as it was sealed"),
    (Level.SAME_HERE, "spec, code, environment and data the same here"),
    (Level.REPLAYS, "the first steps replay bit for bit"),
    (Level.RESULTS, "evaluations made again have the stored numbers"),
)
_WORDS = ((True, "ok", "green"), (False, "differs", "bold red"), (None, "unknown", "yellow"))
_HOLDS = (
    (True, "holds", "green"),
    (False, "does not hold", "bold red"),
    (None, "cannot be checked", "yellow"),
)
_ABSENT = "–"

_BESIDE = "as far as rounding may move it"
"""What is said of numbers that are others when made again, and are no disagreement."""

_MOST = 4
"""Most files of one sealing that are named; `--json` names all."""


def blocks(audit: Audit) -> Iterator[Block]:
    """The page: a line per finding, what disagrees, and which levels hold."""
    rows = tuple(
        (found.level.value, Text(found.about, "bold"), _word(found), found.said)
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
    """The same as plain data."""
    return {
        "name": audit.name,
        "path": str(audit.path),
        "state": audit.state.value,
        "holds": audit.holds,
        "levels": {level.value: holds for level, holds in audit.levels.items()},
        "findings": to_jsonable_python(audit.findings),
        "sealings": to_jsonable_python(audit.sealings),
    }


def _sealing(one: Sealing) -> tuple[str | Text, ...]:
    """When, by which command, and what was another way than at the sealing before."""
    when = "–" if one.time is None else f"{one.time:%Y-%m-%d %H:%M:%S}"
    if one.record_missing:
        said = Text(
            "the record before it was missing: what had changed cannot be told", "bold yellow"
        )
    elif one.replaced is None:
        said = Text("the first")
    else:
        kinds = (("changed", one.changed), ("added", one.added), ("removed", one.removed))
        parts = [f"{what} {_listed(names)}" for what, names in kinds if names]
        said = Text("; ".join(parts) or "nothing had changed")
    return (when, one.action or "–", said)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")


def _word(found: Finding) -> Text:
    return next(Text(word, style) for holds, word, style in _WORDS if holds is found.holds)


def _differences(found: Finding) -> Iterator[Block]:
    if found.level is Level.INTACT and found.disagreements:
        rows = tuple((one.name, one.here or _ABSENT) for one in found.disagreements)
        yield Block(found.about, rows=rows)
    elif found.disagreements:
        rows = tuple(map(_row, found.disagreements))
        yield Block(found.about, titles=("", "recorded", "here"), rows=rows)
    if found.beside:
        rows = tuple(map(_row, found.beside))
        yield Block(
            f"{found.about}, beside",
            note=_BESIDE if found.level is Level.RESULTS else "changes no number",
            titles=("", "recorded", "here"),
            rows=rows,
        )


def _row(one: Disagreement) -> tuple[str, ...]:
    try:  # two numbers of a replay, which are recorded in all their digits
        return (one.name, *distinct(float(one.recorded or ""), float(one.here or "")))
    except ValueError:
        return (one.name, one.recorded or _ABSENT, one.here or _ABSENT)


def _levels(audit: Audit) -> Iterator[tuple[str | Text, ...]]:
    for level, means in _MEANS:
        word, style = "not asked for", "dim"
        if level in audit.levels:
            word, style = next((w, s) for holds, w, s in _HOLDS if holds is audit.levels[level])
        yield (level.value, Text(word, style), means)
