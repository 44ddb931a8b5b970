"""Arguments and output of `eqspec diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from eqspec.cli.options import RUNS, Json, Runs, runs_arguments, screen_of

EXAMPLES = (
    "eqspec diff quickstart/edba latest",
    "eqspec diff 7f3a9c21-s0 7f3a9c21-s1 --md",
    "eqspec diff specs/quickstart.yaml latest --json",
)

_COMPARAND = "A run (its path, the start of its name, or `latest`) or a spec."


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    a: Annotated[str, typer.Argument(metavar="A", help=_COMPARAND)],
    b: Annotated[str, typer.Argument(metavar="B", help=_COMPARAND)],
    runs: Runs = RUNS,
    every_metric: Annotated[
        bool, typer.Option("--all", help="Compare all metrics, not only the summary metrics.")
    ] = False,
    as_markdown: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    as_json: Json = False,
) -> int:
    """Compare two runs, or a run and a spec.

    Lists the differences that change the result first, then code, environment, data and metrics,
    and the first step at which the training curves diverge.
    """
    from eqspec.cli.render.blocks import drawn
    from eqspec.cli.render.diff import as_data, blocks
    from eqspec.commands.diff.differences import diff
    from eqspec.report.tables.markdown import markdown

    screen = screen_of(context)
    screen.after_error = ("eqspec", "status", *runs_arguments(runs))
    found = diff(a, b, root=runs, every_metric=every_metric)
    if as_json:
        screen.show_json(as_data(found))
    elif as_markdown:
        screen.show(markdown(tuple(blocks(found))))
    else:
        screen.show(drawn(tuple(blocks(found)), width=screen.width))
    runs_compared = [one.name for one in (found.b, found.a) if one.folder is not None]
    then = ("audit", runs_compared[0]) if runs_compared else ("run", found.b.name)
    screen.suggest("eqspec", *then, *runs_arguments(runs))
    return 0
