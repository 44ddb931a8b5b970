"""`eqspec audit`: whether a run is intact, could be repeated here, and replays.

L0  every file is as it was sealed: any flipped byte is found
L1  spec, code, environment and data are the same here
L2  the first steps, trained again from the plan, have the recorded numbers bit for bit
L4  evaluations, repeated from the checkpoints, give the stored numbers (there is no L3 yet)

A level holds if every check of it passed; a check that cannot be carried out does not pass. Nothing
is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from eqspec.commands.audit.findings import STEPS, Disagreement, Finding, Level
from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations, read_all_asked
from eqspec.compile.types.plan import Plan
from eqspec.errors import EqspecError
from eqspec.runs import journal
from eqspec.runs.folder import RunFolder, State
from eqspec.runs.manifest import Problem, Trouble
from eqspec.runs.missing_rows import missing_rows
from eqspec.runs.query import run_name
from eqspec.runs.record import RECORD, Sealing
from eqspec.spec.phrases import counted


@dataclass(frozen=True, slots=True)
class Audit:
    """The findings of an audit.

    Attributes:
        requested: the deepest level that was checked.
        sealings: of the folder, the first one first.
    """

    name: str
    path: Path
    state: State
    requested: Level
    findings: tuple[Finding, ...]
    sealings: tuple[Sealing, ...]

    @property
    def levels(self) -> dict[Level, bool | None]:
        """Level → whether it holds; None where it could not be checked."""
        results = {level: {f.holds for f in self.findings if f.level is level} for level in Level}
        return {
            level: False if False in found else None if None in found else True
            for level, found in results.items()
            if found
        }

    @property
    def holds(self) -> bool:
        """Whether all requested levels hold; one that could not be checked does not."""
        return all(self.levels.values())


def audit(
    path: Path,
    *,
    root: Path,
    level: Level = Level.REPLAYS,
    steps: int = STEPS,
    data: DataLocations = NO_LOCATIONS,
    data_full: bool = False,
) -> Audit:
    """Check a run; write nothing.

    Args:
        path: of the run folder.
        root: folder of all runs.
        level: the deepest one to check.
        steps: number of steps to replay.
        data: locations of datasets.
        data_full: read every image whose content the run has recorded, not a sample.

    Raises:
        UsageError: there is no run, or `data` locates a dataset that it does not read.
    """
    folder = RunFolder.open(path)
    _need_all_read(folder, data)
    state = _state(folder)
    findings = [*_files(folder, state)]
    if level is not Level.INTACT:
        findings += _here(folder, data=data, data_full=data_full)
    if level in {Level.REPLAYS, Level.RESULTS}:
        from eqspec.commands.audit.replay import replays

        findings.append(replays(folder, steps=steps, data=data))
    if level is Level.RESULTS:
        from eqspec.commands.audit.evaluations import evaluated_again

        here = [f.holds for f in findings if f.about in {"code", "environment"}]
        findings += evaluated_again(folder, data=data, same=here == [True, True])
    return Audit(run_name(root, path), path, state, level, tuple(findings), _sealings(folder))


def _need_all_read(folder: RunFolder, data: DataLocations) -> None:
    """Refuse a location of a dataset that the run does not read."""
    if not data.asked:
        return
    try:
        plan = Plan.model_validate(folder.plan())
    except (EqspecError, ValidationError):  # becomes a finding later
        return
    read_all_asked(data, plan.datasets)


def _sealings(folder: RunFolder) -> tuple[Sealing, ...]:
    """Return the sealings of the folder; none if the record cannot be read."""
    try:
        record = folder.record()
    except EqspecError:
        return ()
    return () if record is None else record.history


def _here(folder: RunFolder, *, data: DataLocations, data_full: bool) -> tuple[Finding, ...]:
    from eqspec.commands.audit.provenance import same_here

    try:
        return tuple(same_here(folder, data=data, data_full=data_full))
    except EqspecError as error:  # a plan that cannot be read
        return (Finding(Level.SAME_HERE, "plan", None, error.message),)


def _state(folder: RunFolder) -> State:
    """Return the state; a damaged record counts as finished and becomes a finding."""
    try:
        return folder.state()
    except EqspecError:
        return State.FINISHED


def _files(folder: RunFolder, state: State) -> Iterator[Finding]:
    if state not in {State.FINISHED, State.FAILED}:
        yield _unsealed(folder, state)
        return
    try:
        problems = folder.verify()
    except EqspecError as error:
        yield Finding(Level.INTACT, "files", None, error.message)
        return
    if problems:
        message = f"{counted(len(problems), 'difference')} from the seal"
        if problems == (Problem(RECORD, Trouble.UNFINISHED),):
            message = f"sealing was interrupted: `eqspec run {folder.path}` finishes it"
        found = tuple(_problem(one) for one in problems)
        yield Finding(Level.INTACT, "files", holds=False, message=message, disagreements=found)
        return
    record = folder.record()
    assert record is not None, "verified"
    if holes := tuple(_journals(folder, through=record.step)):
        message = "as they were sealed, but rows were already missing then"
        yield Finding(Level.INTACT, "files", holds=False, message=message, disagreements=holes)
        return
    size = sum(file.bytes for file in record.files.values())
    message = f"{counted(len(record.files), 'file')}, {counted(size, 'byte')}, as they were sealed"
    yield Finding(Level.INTACT, "files", holds=True, message=message)


def _problem(problem: Problem) -> Disagreement:
    return Disagreement(problem.file, None, str(problem.trouble))


def _journals(folder: RunFolder, *, through: int) -> Iterator[Disagreement]:
    """Yield the faults of the journals of a run that has reached a step."""
    for file in (folder.metrics, folder.timing):
        try:
            for _ in journal.read(file):
                pass
            fault = missing_rows(file, through=through)
        except EqspecError as error:
            fault = error.message
        if fault is not None:
            yield Disagreement(file.name, None, fault)


def _unsealed(folder: RunFolder, state: State) -> Finding:
    """Check an unsealed run by its journals and checkpoints alone."""
    from eqspec.runs import checkpoint

    found = [_problem(one) for one in folder.verify() if one.trouble is Trouble.LOST]
    through = 0
    for step in checkpoint.steps(folder.checkpoints):
        try:
            checkpoint.intact(folder.checkpoints, step=step)
        except EqspecError as error:
            found.append(Disagreement(f"checkpoint of step {step}", None, error.message))
        else:
            through = step
    found += _journals(folder, through=through)
    doing = "still running" if state is State.RUNNING else "not finished"
    message = f"not sealed, the run is {doing}: only journals and checkpoints can be checked"
    if found:
        return Finding(
            Level.INTACT, "files", holds=False, message=message, disagreements=tuple(found)
        )
    return Finding(Level.INTACT, "files", None, f"{message}; they are intact")
