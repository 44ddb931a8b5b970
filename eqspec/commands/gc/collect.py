"""`eqspec gc`: removes what runs do not need, and nothing that anybody could miss.

What goes: checkpoints that a run's `keep:` does not ask for, data files of checkpoints that were
never completed, and the temporary files of killed writes. A run that somebody is writing to is left
alone; so is one that is not as it was sealed. A sealed run is sealed again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eqspec.compile.types.plan import KeepPlan
from eqspec.errors import EqspecError
from eqspec.regular_files import files_below
from eqspec.runs import checkpoint
from eqspec.runs.artifacts import CHECKPOINTS, is_temporary, remove_folder
from eqspec.runs.folder import RunFolder
from eqspec.runs.live import features_folder, writer
from eqspec.runs.manifest import Trouble
from eqspec.runs.query import run_folders, run_name
from eqspec.runs.record import Outcome, RunRecord
from eqspec.runs.recorded_plan import recorded_plan
from eqspec.runs.retention import removable

_CHECKPOINTS = f"{CHECKPOINTS}/"


@dataclass(frozen=True, slots=True)
class Freed:
    """What one run does not need.

    Attributes:
        steps: of the checkpoints that its `keep:` does not ask for.
        leftovers: files of killed writes, by their path inside the folder.
        bytes: of all these files.
    """

    name: str
    path: Path
    keep: KeepPlan
    steps: tuple[int, ...]
    leftovers: tuple[str, ...]
    bytes: int

    @property
    def anything(self) -> bool:
        """Whether there is something to remove."""
        return bool(self.steps or self.leftovers)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A run that was left alone, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Collection:
    """What was removed, or would be.

    Attributes:
        runs: number of runs.
    """

    runs: int
    freed: tuple[Freed, ...]
    skipped: tuple[Skipped, ...]

    @property
    def bytes(self) -> int:
        """Of all that was or would be removed."""
        return sum(one.bytes for one in self.freed)


def gc(root: Path, *, dry_run: bool) -> Collection:
    """Removes what the runs under a folder do not need.

    Args:
        dry_run: only look; nothing is changed.
    """
    freed: list[Freed] = []
    skipped: list[Skipped] = []
    folders = tuple(run_folders(root))
    for path in folders:
        name = run_name(root, path)
        try:
            if (sign := writer(path)) is not None:
                skipped.append(Skipped(name, f"process {sign.pid} on {sign.host} writes to it"))
            elif (found := _found(path, name=name)).anything:
                if dry_run:
                    _need_seal(RunFolder(path))
                else:
                    _remove(found)
                freed.append(found)
        except EqspecError as error:
            skipped.append(Skipped(name, error.message))
    return Collection(len(folders), tuple(freed), tuple(skipped))


def _found(path: Path, *, name: str) -> Freed:
    """What could go; reads only."""
    folder, keep = RunFolder.open(path), recorded_plan(path).keep
    steps = removable(checkpoint.steps(folder.checkpoints), keep=keep)
    going = {file for step in steps for file in folder.checkpoints.glob(f"step-{step:08d}.*")}
    left = list(checkpoint.unlisted(folder.checkpoints))
    left += [f for f in files_below(path, linked=(CHECKPOINTS,)) if is_temporary(f.name)]
    left += [f for f in files_below(features_folder(folder.path)) if f not in left]
    return Freed(
        name=name,
        path=path,
        keep=keep,
        steps=steps,
        leftovers=tuple(file.relative_to(path).as_posix() for file in left),
        bytes=_size(going.union(left)),
    )


def _size(files: Iterable[Path]) -> int:
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.stat(follow_symlinks=False).st_size
    return total


def _need_seal(folder: RunFolder) -> None:
    """Refuses a sealed folder that is not as it was sealed: a new seal would hide that."""
    if folder.record() is None:
        return
    problems = [p for p in folder.verify() if p.trouble is not Trouble.EXTRA]
    if problems:
        listed = "; ".join(map(str, problems[:3]))
        raise EqspecError(f"not as it was sealed: {listed}")


def _remove(found: Freed) -> None:
    """Removes it, as the folder's only writer, and seals the folder again if it was sealed."""
    folder = RunFolder(found.path)
    with folder.hold():  # which sweeps away the temporary files
        folder.finish_sealing()
        _need_seal(folder)
        now, record = _found(found.path, name=found.name), folder.record()
        # Unsealed while files go: a kill in between leaves a folder that the same run seals again.
        folder.unseal()
        checkpoint.remove(folder.checkpoints, gone=now.steps)
        remove_folder(features_folder(folder.path))
        if record is not None:
            folder.seal(_outcome(record), action="gc", changed=(_CHECKPOINTS,))


def _outcome(record: RunRecord) -> Outcome:
    return Outcome(
        status=record.status, step=record.step, reason=record.reason, time=record.finished
    )
