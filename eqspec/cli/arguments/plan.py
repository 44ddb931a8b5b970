"""Arguments and output of `eqspec plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eqspec.cli.options import (
    RUNS,
    Data,
    Json,
    Runs,
    Sets,
    SpecPath,
    data_arguments,
    data_locations,
    runs_arguments,
    screen_of,
    spec_arguments,
)
from eqspec.errors import UsageError

if TYPE_CHECKING:
    from eqspec.cli.screen import Screen
    from eqspec.commands.plan import Planning

EXAMPLES = (
    "eqspec plan specs/quickstart.yaml",
    "eqspec plan specs/quickstart.yaml --set equivariance.lambda=10",
    "eqspec plan specs/quickstart.yaml -o quickstart.plan",
    "eqspec plan specs/sie_all_trans.yaml --on a100_80gb_x16",
    "eqspec plan specs/sie_all_trans.yaml --devices 64 --rehearse",
    "eqspec plan specs/quickstart.yaml --graph dot > graph.dot",
)

Graph = Annotated[
    Literal["text", "dot"] | None,
    typer.Option(help="Print only the training graph, as text or for Graphviz."),
]
On = Annotated[
    str | None,
    typer.Option("--on", metavar="CARD", help="Also estimate the time on a machine card."),
]
Rehearsed = Annotated[
    int | None, typer.Option("--devices", min=1, metavar="N", help="Devices of --rehearse.")
]
Rehearse = Annotated[
    bool,
    typer.Option(
        "--rehearse",
        help="Take one step as one of N processes, without devices or data, and show its memory "
        "and what it sends.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="Write the plan to a file for `eqspec run`."),
]


def command(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    spec: SpecPath,
    sets: Sets = None,
    data: Data = None,
    runs: Runs = RUNS,
    on: On = None,
    graph: Graph = None,
    out: Out = None,
    trace: Annotated[
        bool, typer.Option(help="Count parameters, operations and memory (imports torch).")
    ] = True,
    devices: Rehearsed = None,
    rehearse: Rehearse = False,
    as_json: Json = False,
) -> int:
    """Show what would run and what it would cost.

    Shows choices, views, graph, training, parameters, operations, memory and disk. Each training
    and evaluation is marked: it would run (+), already exists (=) or differs (~). With --data,
    measures what a reconstruction costs that knows nothing of the transform. Changes no file.
    """
    from eqspec.cli.settings import cache_folder
    from eqspec.commands.plan import PlanRequest
    from eqspec.commands.plan import plan as describe

    _refuse(on=on, out=out, trace=trace, devices=devices, rehearse=rehearse)
    screen, given = screen_of(context), spec_arguments(spec, sets=sets, data=data)
    screen.after_error = ()  # `check` would find the same mistake in the same arguments
    traced, places = trace and graph is None, data_locations(data, spec=spec)
    planning = describe(
        PlanRequest(spec, runs, sets or (), places, traced, on, out, cache_folder(), devices or 0)
    )
    screen.warn(planning.warnings)
    _show(planning, graph=graph, as_json=as_json, screen=screen)
    if out is not None:
        screen.say(f"The plan was written to {out}.")
        given = spec_arguments(out, sets=None, data=data)
    _say_next(planning, (*given, *runs_arguments(runs)), screen=screen)
    return 0


def _say_next(planning: Planning, given: tuple[str, ...], *, screen: Screen) -> None:
    """Suggest the command that runs the plan, if `eqspec run` can run it as estimated."""
    cost = planning.own.cost
    machine = None if cost is None else cost.machine
    several = ("--devices", str(machine.devices)) if machine and machine.devices > 1 else ()
    needed = data_arguments(dict.fromkeys(planning.needed))
    screen.suggest("eqspec", "run", *given, *needed, *several)


def _refuse(
    *, on: str | None, out: Path | None, trace: bool, devices: int | None, rehearse: bool
) -> None:
    """Refuse contradicting options, and an output path that is a folder."""
    if rehearse != (devices is not None):
        lacking = "--rehearse" if devices else "--devices N"
        given = "--devices" if devices else "--rehearse"
        raise UsageError(f"`{given}` needs `{lacking}`", help=f"add {lacking}")
    if on is not None and not trace:
        message = "`--on` needs the number of operations, which `--no-trace` does not count"
        raise UsageError(message, help="leave out one of the two")
    if out is not None and out.is_dir():
        message = f"`--out` needs a file, but `{out}` is a folder"
        raise UsageError(message, help=f"-o {out / 'NAME.plan'}")


def _show(
    planning: Planning, *, graph: Literal["text", "dot"] | None, as_json: bool, screen: Screen
) -> None:
    from eqspec.cli.render import plan as page
    from eqspec.cli.render.dot import dot

    if graph == "dot":
        screen.show(dot(planning.own.plan).removesuffix("\n"))
    elif graph == "text":
        screen.show(page.graph(planning.own.plan, width=screen.width))
    elif as_json:
        screen.show_json(planning.as_data())
    else:
        screen.show(page.planned(planning, width=screen.width))
