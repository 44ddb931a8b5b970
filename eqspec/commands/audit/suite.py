"""`eqspec audit --suite`: every run of a folder, audited one after another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from eqspec.commands.audit.findings import Finding, Level
from eqspec.commands.audit.levels import Audit, AuditOptions, audit
from eqspec.commands.planning.data_locations import DataLocations
from eqspec.errors import EqspecError, UsageError
from eqspec.runs.query import run_folders, run_name


@dataclass(frozen=True, slots=True)
class Unaudited:
    """A run that cannot be read, and the reason."""

    name: str
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Suite:
    """The audits of all runs of a folder.

    Attributes:
        root: the folder.
        requested: the deepest level that was checked.
        runs: by name.
    """

    root: Path
    requested: Level
    runs: tuple[Audit | Unaudited, ...]

    @property
    def asked(self) -> tuple[Level, ...]:
        """The levels that were checked."""
        levels = tuple(Level)
        return levels[: levels.index(self.requested) + 1]

    @property
    def holds(self) -> bool:
        """Whether all requested levels hold for all runs; a run that cannot be read fails."""
        return all(isinstance(one, Audit) and one.holds for one in self.runs)

    def levels(self, one: Audit | Unaudited) -> dict[Level, bool | None]:
        """Level → whether it holds for a run; None where it could not be checked."""
        return one.levels if isinstance(one, Audit) else dict.fromkeys(self.asked)


def suite_runs(root: Path) -> tuple[Path, ...]:
    """Return the folders of all runs below a folder, by name.

    Raises:
        UsageError: there is none.
    """
    found = tuple(run_folders(root))
    if not found:
        help_ = "name the folder of your runs: `eqspec audit --suite --runs DIR`"
        raise UsageError(f"there are no runs in `{root}`", help=help_)
    return found


def audit_member(
    path: Path, *, root: Path, level: Level, data: DataLocations, options: AuditOptions
) -> Audit | Unaudited:
    """Audit one run of a suite; one that cannot be read does not stop the others.

    Args:
        path: of the run folder.
        root: folder of all runs.
        level: the deepest one to check.
        data: locations of datasets; those that the run does not read are ignored.
        options: of the levels.
    """
    try:
        return audit(path, root=root, level=level, data=replace(data, asked=()), options=options)
    except EqspecError as error:
        return Unaudited(run_name(root, path), path, error.message)
    except OSError as error:
        return Unaudited(run_name(root, path), path, error.strerror or str(error))


def first_reason(one: Audit | Unaudited) -> str:
    """Return why a run does not hold, else why it cannot be checked; empty if it holds."""
    if isinstance(one, Unaudited):
        return f"cannot be read: {one.reason}"
    open_: list[Finding] = [found for found in one.findings if found.counts and not found.holds]
    ordered = sorted(open_, key=lambda found: found.holds is None)  # stable: the first of each
    return f"{ordered[0].about}: {ordered[0].message}" if ordered else ""
