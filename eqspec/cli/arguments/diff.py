"""Arguments and output of `eqspec diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eqspec.cli.options import (
    RUNS,
    Data,
    Json,
    Runs,
    Sets,
    audit_arguments,
    data_locations,
    runs_arguments,
    screen_of,
    spec_arguments,
)
from eqspec.errors import FolderMismatch

EXAMPLES = (
    "eqspec diff quickstart/edba latest",
    "eqspec diff 7f3a9c21-s0 7f3a9c21-s1 --md",
    "eqspec diff specs/quickstart.yaml latest --json",
    "eqspec diff specs/quickstart.yaml latest --set seed=1 --data DIR",
)

_COMPARAND = "A run (its path, the start of its name, or `latest`) or a spec."


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    a: Annotated[str, typer.Argument(metavar="A", help=_COMPARAND)],
    b: Annotated[str, typer.Argument(metavar="B", help=_COMPARAND)],
    sets: Sets = None,
    data: Data = None,
    runs: Runs = RUNS,
    every_metric: Annotated[
        bool, typer.Option("--all", help="Compare all metrics, not only the summary metrics.")
    ] = False,
    as_markdown: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    as_json: Json = False,
) -> int:
    """Compare two runs, or a run and a spec.

    Lists the differences that change the result first, then code, environment, data and metrics,
    and the first step at which the training curves diverge. `--set` and `--data` apply to a spec.
    """
    from eqspec.cli.render.blocks import drawn
    from eqspec.commands.diff.differences import diff
    from eqspec.commands.diff.page import as_data, blocks
    from eqspec.report.tables.markdown import markdown

    screen = screen_of(context, runs=runs)
    spec = next((Path(one) for one in (a, b) if Path(one).is_file()), None)
    where = data_locations(data, spec=spec)
    try:
        found = diff(a, b, root=runs, overrides=sets or (), data=where, every_metric=every_metric)
    except FolderMismatch as error:
        if error.run is not None:
            screen.after_error = audit_arguments(error.run, runs=runs)
        raise
    if as_json:
        screen.show_json(as_data(found))
    elif as_markdown:
        screen.show(markdown(tuple(blocks(found))))
    else:
        screen.show(drawn(tuple(blocks(found)), width=screen.width))
    folder = found.b.folder or found.a.folder
    if folder is not None:
        screen.suggest(*audit_arguments(folder, runs=runs))
    else:
        given = spec_arguments(Path(found.b.name), sets=sets, data=data)
        screen.suggest("eqspec", "run", *given, *runs_arguments(runs))
    return 0
