"""`eqspec audit --suite` on the screen: a line for each run as it begins, then the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eqspec.cli.given_folders import remember_folders
from eqspec.cli.options import audit_arguments, data_locations, runs_arguments
from eqspec.cli.render.blocks import drawn
from eqspec.cli.screen import Screen
from eqspec.commands.audit.findings import Level
from eqspec.commands.audit.levels import Audit, AuditOptions
from eqspec.commands.audit.suite import Suite, Unaudited, audit_member, suite_runs
from eqspec.commands.audit.suite_page import as_data, blocks
from eqspec.runs.query import run_name


def audit_suite(
    runs: Path,
    *,
    level: Level,
    data: Sequence[str] | None,
    options: AuditOptions,
    as_json: bool,
    screen: Screen,
) -> int:
    """Audit all runs of a folder and show their table; return the exit status.

    Args:
        runs: folder of all runs.
        data: the arguments of `--data`, for all runs.

    Raises:
        UsageError: there is no run.
    """
    paths = suite_runs(runs)
    where = data_locations(data, runs=paths)
    found: list[Audit | Unaudited] = []
    for at, path in enumerate(paths, start=1):
        screen.say(f"{at}/{len(paths)} {run_name(runs, path)}")
        found.append(audit_member(path, root=runs, level=level, data=where, options=options))
        remember_folders(path, data=where)
    suite = Suite(runs, level, tuple(found))
    if as_json:
        screen.show_json(as_data(suite))
    else:
        screen.show(drawn(tuple(blocks(suite)), width=screen.wrap))
    fails = (one.path for one in found if not (isinstance(one, Audit) and one.holds))
    if (first := next(fails, None)) is not None:
        screen.suggest(*audit_arguments(first, runs=runs), "--level", level.value)
    else:
        screen.suggest("eqspec", "status", *runs_arguments(runs))
    return 0 if suite.holds else 3
