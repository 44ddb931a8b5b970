"""The page of `eqspec show RUN`: state, results and files of a run."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from eqspec.commands.diff.differences import commit_of
from eqspec.commands.show.run import Part, RunPage
from eqspec.commands.status.page import doing, stale_rows
from eqspec.nn.readouts.measurement import Interval, Measurement, ResultSet
from eqspec.report.floors import floors_block
from eqspec.report.numbers import measured, number, on_disk
from eqspec.report.tables.block import Block, Span
from eqspec.runs.folder import RunFolder, State
from eqspec.runs.log import failed_alike
from eqspec.runs.query import Summary
from eqspec.runs.tables import Column, in_order
from eqspec.spec.phrases import counted

_SHOWN = ("torch", "timm", "numpy")
"""Packages whose versions are shown; environment.json has all of them."""


def blocks(page: RunPage) -> Iterator[Block]:
    """Yield the sections of the page."""
    yield _head(page)
    if page.status.problems:
        yield Block("damaged", rows=tuple((problem,) for problem in page.status.problems))
    yield _choices(page)
    if page.last is not None:
        rows = tuple((name, measured(value)) for name, value in page.last.values.items())
        yield Block("training", note=f"step {number(page.last.step)}", rows=rows, right=(1,))
    if page.reconstruction is not None:
        yield floors_block(page.reconstruction)
    before = "untrained" if page.plan.published is None else "as published"
    with_notes = zip(page.results, page.notes, strict=True)
    yield from (_results(one, before=before, notes=notes) for one, notes in with_notes)
    raised = stale_rows(page.status.stale, run=page.status.run.name)
    if raised:
        rows = tuple(row[1:] for row in raised)
        yield Block("stale", note="the rev of an op or a card has been raised since", rows=rows)
    yield _files(page)


def as_data(page: RunPage) -> JsonValue:
    """Return the page as plain data."""
    return to_jsonable_python(page)


def _head(page: RunPage) -> Block:
    run, environment = page.status.run, page.environment
    packages = environment.get("packages")
    versions = packages if isinstance(packages, dict) else {}
    where = [f"{name} {versions[name]}" for name in _SHOWN if versions.get(name)]
    machine = [str(environment.get(key)) for key in ("host", "cpu") if environment.get(key)]
    data = environment.get("data")
    rows = (
        ("state", doing(page.status, before=_step(run))),
        *([("reason", page.status.reason)] if page.status.reason else []),
        ("recipe", f"{run.recipe[:8]}, seed {run.seed}"),
        ("data", f"fingerprint {str(data)[:12]}" if data else "not read yet"),
        ("code", commit_of(environment) or "not from a checkout"),
        ("machine", ", ".join([*machine, *where])),
        ("folder", f"{run.path}, {on_disk(page.status.bytes)}"),
    )
    about = page.plan.resolved.get("about")
    return Block(run.name, note=about if isinstance(about, str) else "", rows=rows)


def _step(run: Summary) -> str:
    if not run.total:
        return "nothing to train, "
    return f"step {number(run.step)} of {number(run.total)}, "


def _choices(page: RunPage) -> Block:
    used = (u for u in page.plan.provenance if u.kind == "card")
    rows = tuple((u.family, Span(u.name, "name"), f"rev {u.rev}") for u in used)
    return Block("choices", rows=rows)


def _results(results: ResultSet, *, before: str, notes: tuple[str, ...]) -> Block:
    step = before if results.step == 0 else f"after step {number(results.step)}"
    rev = "" if results.protocol.rev is None else f", rev {results.protocol.rev}"
    rows = tuple(
        (one.label, _value(one.value), ", ".join(map(_interval, one.intervals)))
        for one in _in_order(results)
    )
    return Block(results.protocol.id, note=f"{step}{rev}", rows=rows, right=(1,), remarks=notes)


def _in_order(results: ResultSet) -> Iterator[Measurement]:
    """Yield the measurements; those that differ in numbers alone, such as k, in numeric order."""
    columns = {
        Column(results.protocol.evaluation, one.name, (("row", one.row), *one.group)): one
        for one in results.measurements
    }
    yield from (columns[column] for column in in_order(columns))


def _value(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4f}"


def _interval(interval: Interval) -> str:
    over = f" over {interval.over}" if interval.over else ""
    return f"[{interval.low:.3f}, {interval.high:.3f}]{over}"


def _files(page: RunPage) -> Block:
    rows = tuple((part.name, on_disk(part.bytes), *_inside(part)) for part in page.parts)
    saved = ", ".join(number(step) for step in page.saved) or "none"
    return Block("files", note=f"checkpoints of steps: {saved}", rows=rows, right=(1,))


def _inside(part: Part) -> Iterator[str]:
    """Yield the number of files of a folder; nothing for a file."""
    if part.name.endswith("/"):
        yield counted(part.files, "file")


def after(
    page: RunPage, *, elsewhere: tuple[str, ...], data: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the suggested next command.

    A run that was retried and failed alike is not to be retried again: an audit finds out whether
    code, data or machine are others than the run's.

    Args:
        elsewhere: arguments that locate the runs.
        data: arguments that locate the datasets of the run.
    """
    run = page.status.run
    failed = run.state is State.FAILED
    if run.state is State.FINISHED or (failed and failed_alike(RunFolder(run.path).log)):
        return ("eqspec", "audit", run.name, *data, *elsewhere)
    if run.state is State.RUNNING:
        return ("eqspec", "status", *elsewhere)
    again = ("--retry",) if failed else ()
    return ("eqspec", "run", str(run.path), *data, *again)
