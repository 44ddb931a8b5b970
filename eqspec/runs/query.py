"""Finding runs among their folders. Free of torch; the folders are the only index there is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from eqspec.errors import EqspecError, UsageError
from eqspec.runs import journal
from eqspec.runs.folder import RunFolder, State, is_run_folder
from eqspec.runs.live import last_sign

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from eqspec.runs.journal import Row

LATEST = "latest"
_TOUCHED = ("plan.json", "metrics.jsonl", "record.json")


class Ambiguous(UsageError):
    """More than one run could be meant; the message lists them."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of one run.

    Attributes:
        name: `<spec>/<recipe8>-s<seed>`, by which it can be asked for.
        step: optimizer steps done.
        total: optimizer steps in all.
        metrics: the last row of each kind of event.
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
    """A run folder whose files do not hold what they should."""

    name: str
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Every run under a folder, by name."""

    runs: tuple[Summary, ...]
    unreadable: tuple[Unreadable, ...]


def find(root: Path, *, reference: str) -> Path:
    """The folder of the run a person means.

    Args:
        root: the folder that holds all runs.
        reference: a path; or `<spec>`, `<spec>/<recipe8>-s<seed>` or `<recipe8>-s<seed>`; or the
            beginning of one, where no run has exactly that name, that only one run has; or
            `latest`, the run that was last written to.

    Raises:
        UsageError: when no run is meant.
        Ambiguous: when more than one is.
    """
    if is_run_folder(Path(reference)):
        return Path(reference)
    runs = {run_name(root, path): path for path in run_folders(root)}
    if reference == LATEST and runs:
        return max(runs.values(), key=_last_touched)
    wanted = reference.rstrip("/")
    matches = _matches(wanted, runs)
    if len(matches) == 1:
        return runs[matches[0]]
    if not matches and (Path(reference).is_absolute() or Path(reference).exists()):
        message = f"`{reference}` is no run folder: it has no plan.json"
        raise UsageError(message, help="run folders are `runs/<spec>/<recipe>-s<seed>`")
    raise _ambiguous(wanted, matches) if matches else _unknown(wanted, runs, root=root)


def _matches(wanted: str, runs: Mapping[str, Path]) -> list[str]:
    """Names of the runs that a text means: an exact name wins over the beginning of one."""
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
    """What to call a run: its path below the folder of all runs, or its path."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def run_summary(root: Path, path: Path) -> Summary:
    """Summary of one run.

    Raises:
        FolderMismatch: when one of its files is damaged.
    """
    folder = RunFolder.open(path)
    identity, state = folder.identity(), folder.state()
    metrics = journal.latest(folder.metrics)
    sign = last_sign(path) if state is State.RUNNING else None
    steps = [row.step for row in metrics.values()]
    return Summary(
        name=run_name(root, path),
        path=path,
        spec=identity.name,
        recipe=identity.recipe,
        seed=identity.seed,
        state=state,
        step=max([*steps, sign.step or 0] if sign else steps, default=0),
        total=identity.train.steps,
        metrics=metrics,
    )


def _summary(root: Path, path: Path) -> Summary | Unreadable:
    try:
        return run_summary(root, path)
    except EqspecError as error:
        return Unreadable(name=run_name(root, path), path=path, reason=error.message)


def run_folders(root: Path) -> Iterator[Path]:
    """Run folders below a folder, by name; nothing is looked for inside of one.

    Those that have lost their plan are among them: `RunFolder.open` refuses them, with the reason.
    """
    for parent, folders, _ in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if is_run_folder(Path(parent)):
            folders.clear()
            yield Path(parent)


def _last_touched(path: Path) -> int:
    files = (path / name for name in _TOUCHED)
    return max((file.stat().st_mtime_ns for file in files if file.exists()), default=0)


def _ambiguous(reference: str, names: Iterable[str]) -> Ambiguous:
    listed = "\n".join(f"  {name}" for name in names)
    return Ambiguous(
        f"`{reference}` could be any of these runs:\n{listed}", help="give more of the name"
    )


def _unknown(reference: str, names: Collection[str], *, root: Path) -> UsageError:
    if not names:
        return UsageError(f"there are no runs in `{root}`", help="`eqspec run SPEC` makes one")
    near = get_close_matches(reference, names, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(sorted(names)[:5])}"
    return UsageError(f"there is no run `{reference}` in `{root}`", help=hint)
