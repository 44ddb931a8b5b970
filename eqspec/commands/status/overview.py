"""`eqspec status`: a table of all runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from eqspec.commands.outdated_revs import Raised, Revs, revs, stale
from eqspec.commands.summary_metric import SummaryMetric, latest_summary
from eqspec.errors import EqspecError
from eqspec.launch.jobs import JobState, job_states
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.registry.catalog import open_catalog
from eqspec.regular_files import files_below, own_size
from eqspec.runs.artifacts import CHECKPOINTS
from eqspec.runs.folder import RunFolder, State
from eqspec.runs.folder_problems import visible_problems
from eqspec.runs.live import writer
from eqspec.runs.log import last_failure
from eqspec.runs.query import Summary, Unreadable, summaries
from eqspec.runs.recorded_plan import recorded_plan
from eqspec.runs.results import DamagedResult, result_sets


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The status of a run.

    Attributes:
        beat: seconds since the last heartbeat of a running run.
        reason: of a failure, or of the end of the last attempt, one line.
        problems: visible damage of its files, a sentence each.
        summary: the summary metric of the last result; None where there is none, or none is shown.
        refused: why its results are not shown: one is damaged, or differs from the seal.
        stale: revs that have been raised since.
        bytes: of all its files.
    """

    run: Summary
    beat: float | None
    reason: str
    problems: tuple[str, ...]
    summary: SummaryMetric | None
    refused: str | None
    stale: tuple[Raised, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Every run under a folder.

    Attributes:
        jobs: those of a Slurm cluster that are waiting or running.
    """

    runs: tuple[RunStatus, ...]
    unreadable: tuple[Unreadable, ...]
    jobs: tuple[JobState, ...] = ()

    @property
    def damaged(self) -> Path | None:
        """The folder of the first damaged run."""
        damaged = (one.run.path for one in self.runs if one.problems or one.refused)
        return next(damaged, None) or next((one.path for one in self.unreadable), None)


def status(root: Path) -> Overview:
    """Return the status of every run under a folder; change nothing."""
    listing, now = summaries(root), revs(open_catalog())
    statuses: list[RunStatus] = []
    unreadable = list(listing.unreadable)
    for run in listing.runs:
        try:
            statuses.append(run_status(run, now=now))
        except EqspecError as error:
            unreadable.append(Unreadable(name=run.name, path=run.path, reason=error.message))
    return Overview(runs=tuple(statuses), unreadable=tuple(unreadable), jobs=job_states(root))


def run_status(run: Summary, *, now: Revs) -> RunStatus:
    """Return the status of one run.

    Raises:
        FolderMismatch: one of its files is damaged.
    """
    folder, plan = RunFolder.open(run.path), recorded_plan(run.path)
    record = folder.record()
    found, refused = _results(folder)
    return RunStatus(
        run=run,
        beat=_beat(run),
        reason=record.reason if record is not None else _why_stopped(run, folder),
        problems=() if run.state is State.RUNNING else tuple(visible_problems(folder)),
        summary=latest_summary(found, plan),
        refused=refused,
        stale=stale(plan, found, now=now),
        bytes=size_of(run.path),
    )


def _results(folder: RunFolder) -> tuple[tuple[ResultSet, ...], str | None]:
    """Return the results; or none, and why they are not shown."""
    try:
        return result_sets(folder), None
    except DamagedResult as error:
        return (), error.message


def _why_stopped(run: Summary, folder: RunFolder) -> str:
    """Return the error that ended the last attempt of a run that can be continued."""
    return "" if run.state is State.RUNNING else last_failure(folder.log)


def _beat(run: Summary) -> float | None:
    sign = writer(run.path) if run.state is State.RUNNING else None
    return None if sign is None else (datetime.now(UTC) - sign.time).total_seconds()


def size_of(path: Path) -> int:
    """Return the size of all files of a run folder, in bytes; a file removed meanwhile counts 0."""
    return sum(max(0, own_size(file)) for file in files_below(path, linked=(CHECKPOINTS,)))
