"""`eqspec show RUN`: one run on a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from pydantic import JsonValue

from eqspec.commands.outdated_revs import revs
from eqspec.commands.running.result_data import other_data_sentences, replaced_sentences
from eqspec.commands.show.card import card_and_op_names
from eqspec.commands.status.overview import RunStatus, run_status
from eqspec.commands.summary_metric import summary_metrics
from eqspec.errors import UsageError
from eqspec.nn.readouts.measurement import ResultSet
from eqspec.registry.catalog import open_catalog
from eqspec.regular_files import files_below, own_size
from eqspec.runs import checkpoint
from eqspec.runs.artifacts import CHECKPOINTS
from eqspec.runs.curves import TRAIN
from eqspec.runs.floors import Reconstruction, reconstruction
from eqspec.runs.folder import RunFolder
from eqspec.runs.journal import Row
from eqspec.runs.query import LATEST, Ambiguous, find, run_folders, run_name, run_summary
from eqspec.runs.recorded_plan import RecordedPlan, recorded_environment, recorded_plan
from eqspec.runs.results import result_sets
from eqspec.runs.training_folders import require_trainings

_SHOWN = ("plan.json", "environment.json", "metrics.jsonl")
"""Files that the page shows, compared with the seal; results are compared as they are read."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a run folder, or a folder with everything in it."""

    name: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RunPage:
    """The page of a run.

    Attributes:
        last: the last row of training; None before the first step.
        reconstruction: beside the floors of its path; None for a run without any.
        results: with their summary metrics alone.
        notes: of each result, sentences about the images behind it.
        saved: steps of the complete checkpoints.
    """

    status: RunStatus
    plan: RecordedPlan
    environment: Mapping[str, JsonValue]
    last: Row | None
    reconstruction: Reconstruction | None
    results: tuple[ResultSet, ...]
    notes: tuple[tuple[str, ...], ...]
    saved: tuple[int, ...]
    parts: tuple[Part, ...]


class NothingNamed(UsageError):
    """There is no run, card or op of a name; the help has the nearest names.

    Attributes:
        like_a_run: whether one of these is a run's.
    """

    def __init__(self, name: str, *, root: Path) -> None:
        names = {path: run_name(root, path) for path in run_folders(root)}
        runs = {alias: full for path, full in names.items() for alias in (full, path.name)}
        runs |= {LATEST: LATEST} if runs else {}
        known = {one: one for one in card_and_op_names()} | runs
        near = get_close_matches(name, sorted(known), n=3, cutoff=0.5)
        meant = " or ".join(dict.fromkeys(f"`{known[one]}`" for one in near))
        lists = "`eqspec status` lists the runs, `eqspec list` the cards, `eqspec list ops` the ops"
        guess = f"did you mean {meant}?" if near else lists
        super().__init__(f"there is no run, card or op `{name}`", help=guess)
        self.like_a_run = not runs.keys().isdisjoint(near)


def run_meant(reference: str, *, root: Path) -> Path | None:
    """Return the run folder of a reference; None if there is none.

    Raises:
        Ambiguous: several match.
        UsageError: the reference is empty; or the latest run is asked for, and there is none.
    """
    try:
        return find(root, reference=reference)
    except Ambiguous:
        raise
    except UsageError:
        if reference == LATEST or not reference.strip():
            raise
        return None


def show_run(path: Path, *, root: Path) -> RunPage:
    """Return the page of one run.

    Args:
        root: folder of all runs.

    Raises:
        FolderMismatch: one of its files is damaged.
    """
    run = run_summary(root, path)
    folder, plan = RunFolder.open(path), recorded_plan(path)
    folder.sealed().require(*_SHOWN)
    require_trainings(folder)
    results = tuple(
        replace(one, measurements=summary_metrics(one, plan))
        for one in result_sets(folder)
        if one.measurements
    )
    return RunPage(
        status=run_status(run, now=revs(open_catalog())),
        plan=plan,
        environment=recorded_environment(path),
        last=run.metrics.get(TRAIN),
        reconstruction=reconstruction(folder),
        results=results,
        notes=tuple(tuple(_notes(one, results)) for one in results),
        saved=checkpoint.steps(folder.checkpoints),
        parts=tuple(_parts(path)),
    )


def _notes(result: ResultSet, others: Sequence[ResultSet]) -> Iterator[str]:
    """Yield sentences about the images of a result, compared with the results of earlier steps."""
    earlier = [
        (f"step {one.step}", one)
        for one in others
        if one.protocol.id == result.protocol.id and one.step < result.step
    ]
    yield from other_data_sentences([*earlier, (f"step {result.step}", result)])
    yield from replaced_sentences([("", result)])


def _parts(path: Path) -> Iterator[Part]:
    for entry in sorted(path.iterdir(), key=lambda entry: (entry.is_dir(), entry.name)):
        if entry.name.startswith("."):
            continue
        inside = entry.is_dir() and (entry.name == CHECKPOINTS or not entry.is_symlink())
        sizes = [own_size(file) for file in (files_below(entry) if inside else (entry,))]
        name = f"{entry.name}/" if inside else entry.name
        yield Part(name, len(sizes), sum(max(0, size) for size in sizes))
