"""Arguments and output of `eqspec audit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eqspec.cli.options import (
    RUNS,
    Data,
    Json,
    Run,
    Runs,
    data_locations,
    runs_arguments,
    screen_of,
    spec_arguments,
    unknown_data,
)
from eqspec.commands.audit.findings import STEPS, Level

if TYPE_CHECKING:
    from eqspec.commands.audit.levels import Audit

EXAMPLES = (
    "eqspec audit latest",
    "eqspec audit quickstart/7f3a --level L0",
    "eqspec audit latest --level L1 --data-full",
    "eqspec audit latest --level L4",
    "eqspec audit latest --steps 20 --json",
    "eqspec audit RUN --level L0 --against seals.txt    compare with a published seal",
)


_Level = Annotated[
    Level, typer.Option(help="Deepest level to check; includes all levels before it.")
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


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    run: Run,
    level: _Level = Level.REPLAYS,
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
    stored numbers. The exit status is 3 if a level fails or cannot be checked. Changes no file.
    """
    from eqspec.cli.given_folders import remember_folders
    from eqspec.cli.render.blocks import drawn
    from eqspec.commands.audit.levels import AuditOptions, audit
    from eqspec.commands.audit.page import as_data, blocks
    from eqspec.commands.audit.published_seal import published_seals
    from eqspec.runs.query import find

    screen = screen_of(context, runs=runs)
    path = find(runs, reference=run)
    where = data_locations(data, run=path)
    seals = () if against is None else published_seals(against)
    options = AuditOptions(steps=steps, data_full=data_full, against=seals)
    found = audit(path, root=runs, level=level, data=where, options=options)
    remember_folders(path, data=where)
    if as_json:
        screen.show_json(as_data(found))
    else:
        screen.show(drawn(tuple(blocks(found)), width=screen.width))
    then = _next(found, run=run, data=data or [])
    screen.suggest("eqspec", *then, *runs_arguments(runs))
    return 0 if found.holds else 3


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
