"""`eqspec audit`: whether a run is intact, could be repeated here, and replays.

L0  every file is as it was sealed: any flipped byte is found; and the seal is a published one, if
    one is given
L1  spec, code, environment and data are the same here
L2  the first steps, trained again from the plan, have the recorded numbers bit for bit
L4  evaluations, repeated from the checkpoints, give the stored numbers, and so do the floors of a
    path (there is no L3 yet)

A level holds if every check of it passed; a check that cannot be carried out does not pass. Nothing
is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from eqspec.commands.audit.findings import STEPS, Finding, Level
from eqspec.commands.audit.fine_tunings import fine_tunings
from eqspec.commands.audit.intact_files import intact_files, state_of
from eqspec.commands.audit.published_seal import seal_finding
from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations, read_all_asked
from eqspec.compile.types.plan import Plan
from eqspec.errors import EqspecError
from eqspec.runs.added_evaluations import added_evaluations
from eqspec.runs.folder import RunFolder, State
from eqspec.runs.published_seal import PublishedSeal
from eqspec.runs.query import run_name
from eqspec.runs.record import Sealing

_DEEP = frozenset({Level.REPLAYS, Level.RESULTS})
"""Levels that repeat training steps."""


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
        checked = {f.level for f in self.findings}
        counted = {
            level: {f.holds for f in self.findings if f.level is level and f.counts}
            for level in Level
            if level in checked
        }
        return {
            level: False if False in found else None if None in found or not found else True
            for level, found in counted.items()
        }

    @property
    def holds(self) -> bool:
        """Whether all requested levels hold; one that could not be checked does not."""
        return all(self.levels.values())


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """Options of the levels of an audit.

    Attributes:
        steps: number of steps that L2 replays.
        data_full: let L1 read every image whose content the run has recorded, not a sample.
        against: published seals, of which one is that of the run; empty to compare with none.
    """

    steps: int = STEPS
    data_full: bool = False
    against: tuple[PublishedSeal, ...] = ()


_DEFAULT = AuditOptions()


def audit(
    path: Path,
    *,
    root: Path,
    level: Level = Level.REPLAYS,
    data: DataLocations = NO_LOCATIONS,
    options: AuditOptions = _DEFAULT,
) -> Audit:
    """Check a run; write nothing.

    Args:
        path: of the run folder.
        root: folder of all runs.
        level: the deepest one to check.
        data: locations of datasets.
        options: of the levels.

    Raises:
        UsageError: there is no run, or `data` locates a dataset that it does not read.
    """
    folder = RunFolder.open(path)
    _need_all_read(folder, data)
    data = replace(data, asked=())  # the spec alone need not read what an added evaluation does
    state = state_of(folder)
    findings = [*intact_files(folder, state)]
    if options.against:
        findings.append(seal_finding(folder, options.against))
    if level is not Level.INTACT:
        findings += _here(folder, data=data, data_full=options.data_full)
    if level in _DEEP:
        from eqspec.commands.audit.replay import replays

        findings.append(replays(folder, steps=options.steps, data=data))
    replayed = options.steps if level in _DEEP else None
    findings += fine_tunings(folder, replayed=replayed, data=data)
    if level is Level.RESULTS:
        from eqspec.commands.audit.evaluations import evaluated_again
        from eqspec.commands.audit.floors import floors_again

        here = [f.holds for f in findings if f.about in {"code", "environment"}]
        same = here == [True, True]
        findings += evaluated_again(folder, data=data, same=same)
        findings += floors_again(folder, data=data, same=same)
    return Audit(run_name(root, path), path, state, level, tuple(findings), _sealings(folder))


def _need_all_read(folder: RunFolder, data: DataLocations) -> None:
    """Refuse a location of a dataset that the run does not read."""
    if not data.asked:
        return
    try:
        plan = Plan.model_validate(folder.plan())
    except (EqspecError, ValidationError):  # becomes a finding later
        return
    added = (evaluation.data for evaluation in added_evaluations(folder))
    read_all_asked(data, (*plan.datasets, *added))


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
