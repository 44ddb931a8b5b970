"""`eqspec show RUN`: one run on a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from eqspec.commands.outdated_revs import revs
from eqspec.commands.status import Standing, standing
from eqspec.commands.summary_metric import summary_metrics
from eqspec.errors import UsageError
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.registry.catalog import open_catalog
from eqspec.regular_files import files_below, own_size
from eqspec.runs import checkpoint
from eqspec.runs.artifacts import CHECKPOINTS
from eqspec.runs.curves import TRAIN
from eqspec.runs.folder import RunFolder
from eqspec.runs.journal import Row
from eqspec.runs.query import Ambiguous, find, run_summary
from eqspec.runs.recorded_plan import RecordedPlan, recorded_environment, recorded_plan
from eqspec.runs.results import result_sets

_SHOWN = ("plan.json", "environment.json", "metrics.jsonl")
"""Files of which a page shows something; results are compared with the seal as they are read."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a run folder, or a folder with all that lies in it."""

    name: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RunPage:
    """A run as it is shown.

    Attributes:
        last: the last row of training, if a step was made.
        results: with their summary metrics alone.
        saved: steps of the complete checkpoints.
    """

    standing: Standing
    plan: RecordedPlan
    environment: Mapping[str, JsonValue]
    last: Row | None
    results: tuple[ResultSet, ...]
    saved: tuple[int, ...]
    parts: tuple[Part, ...]


def run_meant(reference: str, *, root: Path) -> Path | None:
    """The run folder that a name means; None when it means none.

    Raises:
        Ambiguous: when it could mean several.
    """
    try:
        return find(root, reference=reference)
    except Ambiguous:
        raise
    except UsageError:
        return None


def show_run(path: Path, *, root: Path) -> RunPage:
    """One run.

    Args:
        root: folder of all runs.

    Raises:
        FolderMismatch: when one of its files is damaged.
    """
    run = run_summary(root, path)
    folder, plan = RunFolder.open(path), recorded_plan(path)
    folder.sealed().need(*_SHOWN)
    return RunPage(
        standing=standing(run, now=revs(open_catalog())),
        plan=plan,
        environment=recorded_environment(path),
        last=run.metrics.get(TRAIN),
        results=tuple(
            replace(one, measurements=summary_metrics(one, plan))
            for one in result_sets(folder)
            if one.measurements
        ),
        saved=checkpoint.steps(folder.checkpoints),
        parts=tuple(_parts(path)),
    )


def _parts(path: Path) -> Iterator[Part]:
    for entry in sorted(path.iterdir(), key=lambda entry: (entry.is_dir(), entry.name)):
        if entry.name.startswith("."):
            continue
        inside = entry.is_dir() and (entry.name == CHECKPOINTS or not entry.is_symlink())
        sizes = [own_size(file) for file in (files_below(entry) if inside else (entry,))]
        name = f"{entry.name}/" if inside else entry.name
        yield Part(name, len(sizes), sum(max(0, size) for size in sizes))
