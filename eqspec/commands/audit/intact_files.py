"""Level L0 of an audit: whether the files of a run folder are as they were sealed."""

from __future__ import annotations

from collections.abc import Iterator

from eqspec.commands.audit.findings import Disagreement, Finding, Level
from eqspec.errors import EqspecError
from eqspec.runs import journal
from eqspec.runs.folder import RunFolder, State
from eqspec.runs.manifest import Problem, Trouble
from eqspec.runs.missing_rows import missing_rows
from eqspec.runs.record import RECORD
from eqspec.runs.seal_check import of_result
from eqspec.spec.phrases import counted


def state_of(folder: RunFolder) -> State:
    """Return the state; a damaged record counts as finished and becomes a finding."""
    try:
        return folder.state()
    except EqspecError:
        return State.FINISHED


def intact_files(folder: RunFolder, state: State) -> Iterator[Finding]:
    """Yield whether files are as they were sealed; of a run without a seal, whether whole."""
    if state not in {State.FINISHED, State.FAILED}:
        yield _unsealed(folder, state)
        return
    try:
        problems = folder.verify()
    except EqspecError as error:
        yield Finding(Level.INTACT, "files", None, error.message)
        return
    if problems:
        message, mended_by = f"{counted(len(problems), 'difference')} from the seal", ()
        if problems == (Problem(RECORD, Trouble.UNFINISHED),):
            message = f"sealing was interrupted: `eqspec run {folder.path}` finishes it"
            mended_by = ("run", str(folder.path))
        elif all(of_result(one.file) for one in problems):
            message += f"; `eqspec eval {folder.path}` repeats the evaluations"
            mended_by = ("eval", str(folder.path))
        found = tuple(_problem(one) for one in problems)
        yield _differing(message, found, mended_by=mended_by)
        return
    record = folder.record()
    assert record is not None, "verified"
    if holes := tuple(_journals(folder, through=record.step)):
        message = "as they were sealed, but rows were already missing then"
        yield _differing(message, holes, mended_by=())
        return
    size = sum(file.bytes for file in record.files.values())
    message = f"{counted(len(record.files), 'file')}, {counted(size, 'byte')}, as they were sealed"
    yield Finding(Level.INTACT, "files", holds=True, message=message)


def _differing(
    message: str, found: tuple[Disagreement, ...], *, mended_by: tuple[str, ...]
) -> Finding:
    """Return the finding about files that differ."""
    return Finding(
        Level.INTACT,
        "files",
        holds=False,
        message=message,
        disagreements=found,
        mended_by=mended_by,
    )


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
    mended_by: tuple[str, ...] = ()
    if [one.name for one in found] == [RECORD]:
        message += f"; `eqspec run {folder.path}` seals it again"
        mended_by = ("run", str(folder.path))
    if found:
        return _differing(message, tuple(found), mended_by=mended_by)
    return Finding(Level.INTACT, "files", None, f"{message}; they are intact")
