"""The page of `eqspec status`: a table of all runs, and what is wrong with some."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from types import MappingProxyType

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from eqspec.commands.outdated_revs import Raised
from eqspec.commands.status.overview import Overview, RunStatus
from eqspec.commands.summary_metric import SummaryMetric
from eqspec.nn.readouts.measurement import group_words
from eqspec.report.numbers import duration, measured, number, on_disk
from eqspec.report.tables.block import Block, Cell, Span, Style
from eqspec.runs.folder import State

_STYLES: MappingProxyType[State, Style] = MappingProxyType(
    {
        State.FINISHED: "good",
        State.FAILED: "bad",
        State.RUNNING: "name",
        State.INTERRUPTED: "warning",
        State.NEW: "dim",
    }
)


def blocks(overview: Overview) -> Iterator[Block]:
    """Yield the sections of the page."""
    if overview.runs:
        rows = tuple(_row(one) for one in overview.runs)
        titles = ("run", "state", "step", "seed", "last result", "on disk")
        yield Block("runs", titles=titles, rows=rows, right=(2, 3, 5))
    yield from _jobs(overview)
    failed = [one for one in overview.runs if one.run.state is State.FAILED and one.reason]
    if failed:
        yield Block("failed", rows=tuple((one.run.name, one.reason) for one in failed))
    stopped = [one for one in overview.runs if one.run.state is not State.FAILED and one.reason]
    if stopped:
        note = "errors that ended the last attempt; the same command continues once they are mended"
        yield Block("stopped", note=note, rows=tuple((o.run.name, o.reason) for o in stopped))
    problems = tuple((one.run.name, text) for one in overview.runs for text in one.problems)
    if problems:
        yield Block("damaged", note="`eqspec audit RUN` reads every byte", rows=problems)
    raised = tuple(row for one in overview.runs for row in stale_rows(one.stale, run=one.run.name))
    if raised:
        yield Block("stale", note="the rev of an op or a card has been raised since", rows=raised)
    refused = tuple((o.run.name, o.refused) for o in overview.runs if o.refused and not _known(o))
    if refused:
        note = "results that are damaged or differ from the seal; see `eqspec audit RUN`"
        yield Block("not shown", note=note, rows=refused)
    if overview.unreadable:
        rows = tuple((one.name, one.reason) for one in overview.unreadable)
        yield Block("unreadable", rows=rows)


def _jobs(overview: Overview) -> Iterator[Block]:
    if overview.jobs:
        rows = tuple((job.id, job.state, ", ".join(job.runs)) for job in overview.jobs)
        yield Block("jobs", note="of the Slurm cluster; `scancel JOB` saves and stops", rows=rows)


def as_data(overview: Overview) -> JsonValue:
    """Return the overview as plain data."""
    return to_jsonable_python(overview)


def doing(run_status: RunStatus, *, before: str = "") -> Span:
    """Return the state of a run, with the age of its heartbeat.

    Args:
        before: text in front of it.
    """
    state = run_status.run.state
    text = state.value
    if run_status.beat is not None:
        text += f", heartbeat {duration(max(0.0, run_status.beat))} ago"
    return Span(f"{before}{text}", _STYLES[state])


def summary(found: SummaryMetric | None, *, trains: bool = True) -> str:
    """Return the evaluation and summary metric of a run, with its value.

    Args:
        trains: whether the run trains; otherwise step 0 is the only one.
    """
    if found is None:
        return "–"
    one = found.measurement
    value = "–" if math.isnan(one.value) else measured(one.value)
    names = dict.fromkeys((one.protocol.evaluation, one.name))  # R² is both
    name = " ".join((*names, *group_words(one.group)))
    return f"{name} {value}" + (" (untrained)" if trains and found.step == 0 else "")


def stale_rows(raised: Sequence[Raised], *, run: str) -> tuple[tuple[str, ...], ...]:
    """Return a row for each rev that has been raised."""
    return tuple((run, r.what, f"{r.kind} {r.name}", f"rev {r.was} → {r.now}") for r in raised)


def _known(one: RunStatus) -> bool:
    """Whether the reason why results are not shown is among the visible problems."""
    return (one.refused or "").replace(f"`{one.run.path}/", "`", 1) in one.problems


def _result(one: RunStatus) -> Span:
    if one.refused is not None:
        return Span("not shown", "bad")
    shown = summary(one.summary, trains=one.run.total > 0)
    return Span(shown + (" (stale)" if one.stale else ""))


def _row(one: RunStatus) -> tuple[Cell, ...]:
    run = one.run
    return (
        Span(run.name, "name"),
        doing(one),
        f"{number(run.step)}/{number(run.total)}" if run.total else "–",
        str(run.seed),
        _result(one),
        on_disk(one.bytes),
    )
