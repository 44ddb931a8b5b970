"""Find runs by name. The folders are the only index; does not import torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.errors import EqspecError, UsageError
from eqspec.runs import journal
from eqspec.runs.folder import RunFolder, State, is_run_folder
from eqspec.runs.live import last_heartbeat

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from eqspec.runs.journal import Row

LATEST = "latest"
_NAMED = 5
_WRITTEN_FILES = ("plan.json", "metrics.jsonl", "record.json")


class Ambiguous(UsageError):
    """A reference that matches several runs; the message lists them."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of one run.

    Attributes:
        name: `<spec>/<recipe8>-s<seed>`, a reference to the run.
        step: optimizer steps done.
        total: total number of optimizer steps.
        metrics: last row of each kind of event.
    """

    name: str
    path: Path
    spec: str
    recipe: str
    seed: int
    state: State
    step: int
    total: int
    metrics: Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A run folder with damaged files, and the reason."""

    name: str
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """All runs under a folder, by name."""

    runs: tuple[Summary, ...]
    unreadable: tuple[Unreadable, ...]


def find(root: Path, *, reference: str) -> Path:
    """Return the folder of the run with a given reference.

    Args:
        root: folder of all runs.
        reference: a path; or `<spec>`, `<spec>/<recipe8>-s<seed>` or `<recipe8>-s<seed>`; or the
            unique beginning of one of these, if no run has exactly that name; or `latest` for the
            most recently written run.

    Raises:
        UsageError: if the reference is empty or no run matches.
        Ambiguous: if several runs match.
    """
    if not reference.strip():  # an unset shell variable must not mean the only run
        raise UsageError("the name of the run is empty", help="`eqspec status` lists the runs")
    if is_run_folder(Path(reference)):
        return Path(reference)
    runs = {run_name(root, path): path for path in run_folders(root)}
    if reference == LATEST and runs:
        return max(runs.values(), key=_last_written)
    wanted = reference.rstrip("/")
    matches = _matches(wanted, runs)
    if len(matches) == 1:
        return runs[matches[0]]
    if not matches and (Path(reference).is_absolute() or Path(reference).exists()):
        message = f"`{reference}` is not a run folder: it has no plan.json"
        raise UsageError(message, help="run folders are `runs/<spec>/<recipe>-s<seed>`")
    raise _ambiguous(wanted, matches) if matches else _unknown(wanted, runs, root=root)


def _matches(wanted: str, runs: Mapping[str, Path]) -> list[str]:
    """Return the names of the runs that match; an exact name wins over a beginning."""
    own = [name for name in runs if wanted in {name, runs[name].name}]
    of_spec = [name for name in runs if wanted in {name.rpartition("/")[0], runs[name].parent.name}]
    begun = [name for name in runs if any(n.startswith(wanted) for n in (name, runs[name].name))]
    return own or of_spec or begun


def summaries(root: Path) -> Listing:
    """Return a summary of every run under a folder; unreadable folders are listed separately."""
    rows = [_summary(root, path) for path in run_folders(root)]
    return Listing(
        runs=tuple(row for row in rows if isinstance(row, Summary)),
        unreadable=tuple(row for row in rows if isinstance(row, Unreadable)),
    )


def run_name(root: Path, path: Path) -> str:
    """Return the name of a run: its path relative to the folder of all runs if it is below it."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def run_summary(root: Path, path: Path) -> Summary:
    """Return the summary of one run.

    Raises:
        FolderMismatch: if one of its files is damaged.
    """
    folder = RunFolder.open(path)
    identity, state = folder.identity(), folder.state()
    metrics = journal.latest(folder.metrics)
    heartbeat = last_heartbeat(path) if state is State.RUNNING else None
    steps = [row.step for row in metrics.values()]
    return Summary(
        name=run_name(root, path),
        path=path,
        spec=identity.name,
        recipe=identity.recipe,
        seed=identity.seed,
        state=state,
        step=max([*steps, heartbeat.step or 0] if heartbeat else steps, default=0),
        total=identity.train.steps,
        metrics=metrics,
    )


def _summary(root: Path, path: Path) -> Summary | Unreadable:
    try:
        return run_summary(root, path)
    except EqspecError as error:
        return Unreadable(name=run_name(root, path), path=path, reason=error.message)


def run_folders(root: Path) -> Iterator[Path]:
    """Yield the run folders below a folder, by name; does not search inside run folders.

    This includes folders without a plan, which `RunFolder.open` refuses with the reason.
    """
    for parent, folders, _ in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if is_run_folder(Path(parent)):
            folders.clear()
            yield Path(parent)


def _last_written(path: Path) -> int:
    files = (path / name for name in _WRITTEN_FILES)
    return max((file.stat().st_mtime_ns for file in files if file.exists()), default=0)


def _ambiguous(reference: str, names: Iterable[str]) -> Ambiguous:
    listed = "\n".join(f"  {name}" for name in names)
    return Ambiguous(f"`{reference}` matches several runs:\n{listed}", help="give more of the name")


def _some(names: Collection[str]) -> str:
    more = len(names) - _NAMED
    rest = f", and {more} more, which `eqspec status` lists" if more > 0 else ""
    return f"there are: {', '.join(sorted(names)[:_NAMED])}{rest}"


def _unknown(reference: str, names: Collection[str], *, root: Path) -> UsageError:
    if not names:
        message = f"there are no runs in `{root}`"
        help_ = "start one with `eqspec run SPEC`, or name the folder of your runs with `--runs`"
        return UsageError(message, help=help_)
    near = get_close_matches(reference, names, n=1)
    hint = f"did you mean `{near[0]}`?" if near else _some(names)
    return UsageError(f"there is no run `{reference}` in `{root}`", help=hint)
