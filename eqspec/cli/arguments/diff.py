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
    data_locations,
    runs_arguments,
    screen_of,
    spec_arguments,
    unknown_data,
)

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
    found = diff(
        a,
        b,
        root=runs,
        overrides=sets or (),
        data=data_locations(data, spec=spec),
        every_metric=every_metric,
    )
    if as_json:
        screen.show_json(as_data(found))
    elif as_markdown:
        screen.show(markdown(tuple(blocks(found))))
    else:
        screen.show(drawn(tuple(blocks(found)), width=screen.width))
    one = next((one for one in (found.b, found.a) if one.folder is not None), None)
    if one is None or one.folder is None:
        then = ("run", *spec_arguments(Path(found.b.name), sets=sets, data=data))
    else:
        then = ("audit", one.name, *unknown_data(one.folder))
    screen.suggest("eqspec", *then, *runs_arguments(runs))
    return 0
