"""Arguments and output of `eqspec audit`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eqspec.cli.options import (
    RUNS,
    Data,
    Json,
    Runs,
    data_locations,
    runs_arguments,
    screen_of,
    spec_arguments,
    unknown_data,
)
from eqspec.commands.audit.findings import STEPS, SUITE_LEVEL, Level
from eqspec.errors import UsageError

if TYPE_CHECKING:
    from eqspec.cli.screen import Screen
    from eqspec.commands.audit.levels import Audit, AuditOptions

EXAMPLES = (
    "eqspec audit latest",
    "eqspec audit quickstart/7f3a --level L0",
    "eqspec audit latest --level L1 --data-full",
    "eqspec audit latest --level L4",
    "eqspec audit latest --steps 20 --json",
    "eqspec audit RUN --level L0 --against seals.txt    compare with a published seal",
    "eqspec audit --suite --runs elsewhere    audit all runs of a folder",
)


_Level = Annotated[
    Level | None,
    typer.Option(
        help="Deepest level to check; includes all levels before it. It is L2, and L1 with --suite."
    ),
]
_Steps = Annotated[int, typer.Option(min=1, metavar="K", help="Number of steps that L2 replays.")]
_DataFull = Annotated[
    bool,
    typer.Option("--data-full", help="Let L1 compare all recorded images instead of a sample."),
]
_Against = Annotated[
    str | None,
    typer.Option(
        metavar="SEAL",
        help="Let L0 compare the run with a published seal: the line of `eqspec seal`, a file that "
        "contains it, or a `record.sha256`.",
    ),
]


_Runs = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="A run: its path, the start of its name, or `latest`."),
]
_Suite = Annotated[
    bool, typer.Option("--suite", help="Audit all runs of the folder, into one table.")
]


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    run: _Runs = None,
    suite: _Suite = False,
    level: _Level = None,
    steps: _Steps = STEPS,
    data: Data = None,
    data_full: _DataFull = False,
    against: _Against = None,
    runs: Runs = RUNS,
    as_json: Json = False,
) -> int:
    """Verify that a run is intact and reproducible.

    L0: no file has changed since the run was sealed. L1: spec, code, environment and data are the
    same on this machine. L2: training the first steps again gives the recorded numbers, bit for
    bit. L3 does not exist yet. L4: repeating the evaluations on the kept checkpoints gives the
    stored numbers. The exit status is 3 if a level fails or cannot be checked, for any run of a
    suite. Changes no file.
    """
    from eqspec.commands.audit.levels import AuditOptions
    from eqspec.commands.audit.published_seal import published_seals

    screen = screen_of(context, runs=runs)
    if suite:
        from eqspec.cli.progress.audit import audit_suite

        _refuse_one(run, against=against, runs=runs, screen=screen)
        options = AuditOptions(steps=steps, data_full=data_full)
        deepest = level or SUITE_LEVEL
        return audit_suite(
            runs, level=deepest, data=data, options=options, as_json=as_json, screen=screen
        )
    if run is None:
        screen.after_error = ("eqspec", "audit", "--help")
        help_ = "`latest` is the newest; `eqspec audit --suite` audits all runs"
        raise UsageError("Missing argument 'RUN'.", help=help_)
    seals = () if against is None else published_seals(against)
    options = AuditOptions(steps=steps, data_full=data_full, against=seals)
    asked = _Asked(run, level or Level.REPLAYS, runs, data or [], options)
    return _audit_one(asked, as_json=as_json, screen=screen)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Arguments of an audit of one run."""

    run: str
    level: Level
    runs: Path
    data: list[str]
    options: AuditOptions


def _audit_one(asked: _Asked, *, as_json: bool, screen: Screen) -> int:
    from eqspec.cli.given_folders import remember_folders
    from eqspec.cli.render.blocks import drawn
    from eqspec.commands.audit.levels import audit
    from eqspec.commands.audit.page import as_data, blocks
    from eqspec.runs.query import find

    path = find(asked.runs, reference=asked.run)
    where = data_locations(asked.data, runs=(path,))
    found = audit(path, root=asked.runs, level=asked.level, data=where, options=asked.options)
    remember_folders(path, data=where)
    if as_json:
        screen.show_json(as_data(found))
    else:
        screen.show(drawn(tuple(blocks(found)), width=screen.width))
    then = _next(found, run=asked.run, data=asked.data)
    screen.suggest("eqspec", *then, *runs_arguments(asked.runs))
    return 0 if found.holds else 3


def _refuse_one(run: str | None, *, against: str | None, runs: Path, screen: Screen) -> None:
    """Refuse what concerns a single run, for a suite."""
    if run is not None:
        folder = Path(run) if Path(run).is_dir() else runs
        screen.after_error = ("eqspec", "audit", "--suite", *runs_arguments(folder))
        raise UsageError(
            f"`--suite` audits all runs of a folder, and `{run}` is given as a run",
            help="leave out one of them; `--runs DIR` names the folder",
        )
    if against is not None:
        raise UsageError(
            "`--against` compares one run with its seal, and `--suite` audits all runs",
            help="eqspec audit RUN --level L0 --against SEAL",
        )


def _next(found: Audit, *, run: str, data: list[str]) -> tuple[str, ...]:
    """Return the command that mends a finding, or audits again with the data; else `show`."""
    read = found.requested is not Level.INTACT
    unknown = unknown_data(found.path, data=data) if read and not found.holds else ()
    mended_by = next((one.mended_by for one in found.findings if one.mended_by), ())
    if mended_by:
        unknown = unknown_data(found.path, data=data)
        return (*mended_by, *(part for one in data for part in ("--data", one)), *unknown)
    if unknown:
        given = spec_arguments(Path(run), sets=None, data=data)
        return ("audit", *given, *unknown, "--level", found.requested.value)
    return ("show", found.name)
