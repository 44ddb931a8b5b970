"""`eqspec diff`: its arguments, and what it says."""

from __future__ import annotations

from typing import Annotated

import typer

from eqspec.cli.options import RUNS, Json, Runs, runs_arguments, screen_of

EXAMPLES = (
    "eqspec diff quickstart/edba latest",
    "eqspec diff 7f3a9c21-s0 7f3a9c21-s1 --md",
    "eqspec diff specs/quickstart.yaml latest --json",
)

Which = Annotated[
    str, typer.Argument(help="A run: its path, the beginning of its name, or `latest`; or a spec.")
]


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    a: Which,
    b: Which,
    runs: Runs = RUNS,
    every_metric: Annotated[
        bool, typer.Option("--all", help="Every number of an evaluation, not only its headline.")
    ] = False,
    as_markdown: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    as_json: Json = False,
) -> int:
    """Shows in what two runs differ.

    What changes the result comes first; then code, environment, data, metrics, and the first step
    at which the curves part.
    """
    from eqspec.cli.render.blocks import drawn, markdown
    from eqspec.cli.render.diff import as_data, blocks
    from eqspec.commands.diff.differences import diff

    screen = screen_of(context)
    screen.after_error = ("eqspec", "status", *runs_arguments(runs))
    found = diff(a, b, root=runs, every_metric=every_metric)
    if as_json:
        screen.show_json(as_data(found))
    elif as_markdown:
        screen.show(markdown(tuple(blocks(found))))
    else:
        screen.show(drawn(tuple(blocks(found)), width=screen.width))
    sides = [side.name for side in (found.b, found.a) if side.folder is not None]
    then = ("audit", sides[0]) if sides else ("run", found.b.name)
    screen.suggest("eqspec", *then, *runs_arguments(runs))
    return 0
