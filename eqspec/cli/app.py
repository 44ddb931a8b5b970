"""The commands and their arguments. What a command needs is imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import eqspec
from eqspec.cli.screen import Screen
from eqspec.errors import SpecError

SpecPath = Annotated[
    Path, typer.Argument(metavar="SPEC", help="A spec: its file, or the name of one that ships.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Set a value of the spec; repeatable."),
]
Data = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Where the dataset's images lie.")
]
Runs = Annotated[Path, typer.Option("--runs", metavar="DIR", help="Folder of all runs.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

RUNS = Path("runs")
"""Where runs are kept unless `--runs` says otherwise."""


def app() -> typer.Typer:
    """Every command with its examples."""
    made = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    first = _examples(
        "eqspec check specs/quickstart.yaml    is the spec right?",
        "eqspec plan specs/quickstart.yaml     what would run, and what does it cost?",
        "eqspec run specs/quickstart.yaml      train and judge; again: go on where it stopped",
        "eqspec list methods                   what may a spec name?",
        "eqspec show vicreg                    what does a name stand for?",
    )
    made.callback(invoke_without_command=True, epilog=first)(_eqspec)
    made.command(
        epilog=_examples(
            "eqspec check specs/quickstart.yaml",
            "eqspec check specs/quickstart.yaml --set train.batch=128 --set seed=1",
            "eqspec check specs/quickstart.yaml --json",
        )
    )(check)
    made.command(
        epilog=_examples(
            "eqspec plan specs/quickstart.yaml",
            "eqspec plan specs/quickstart.yaml --set equivariance.lambda=10",
            "eqspec plan specs/quickstart.yaml -o quickstart.plan",
        )
    )(plan)
    made.command(
        epilog=_examples(
            "eqspec run specs/quickstart.yaml",
            "eqspec run specs/quickstart.yaml --steps 100",
            "eqspec run specs/quickstart.yaml --set seed=1 --runs elsewhere",
            "eqspec run specs/quickstart.yaml --json > table.json",
        )
    )(run)
    made.command(
        "list", epilog=_examples("eqspec list", "eqspec list methods", "eqspec list ops --json")
    )(list_)
    made.command(
        epilog=_examples(
            "eqspec show vicreg", "eqspec show rot", "eqspec show linear --family schedules"
        )
    )(show)
    return made


def _examples(*lines: str) -> str:
    # \b: these lines are not to be filled.
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def _screen(context: typer.Context) -> Screen:
    screen = context.obj
    assert isinstance(screen, Screen), "main passes one"
    return screen


def _eqspec(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Compiles specs of equivariance-coherent self-supervised learning, runs and judges them."""
    screen = _screen(context)
    if version:
        screen.show(f"eqspec {eqspec.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        screen.show(context.get_help())
        screen.suggest("eqspec", "check", "specs/quickstart.yaml")
    return 0


def check(
    context: typer.Context,
    *,
    spec: SpecPath,
    sets: Sets = None,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Finds every problem of a spec.

    Each with its place, all in one pass. Where there is none, says in a line what the spec is.
    """
    from eqspec.cli import render_check
    from eqspec.commands.check import check as find

    screen, given = _screen(context), _given(spec, sets=sets, data=data)
    screen.after_error = ("eqspec", "check", *given)
    try:
        found = find(spec, overrides=sets or (), data=data)
    except SpecError as error:
        if not as_json:
            raise
        screen.show_json(render_check.wrong(error.diagnostics))
        screen.suggest_after(error)
        return error.exit_status
    if as_json:
        screen.show_json(render_check.as_data(found))
    else:
        screen.warn(found.warnings)
        screen.show(render_check.checked(found, width=screen.wrap))
    screen.suggest("eqspec", "plan", *given)
    return 0


def plan(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    spec: SpecPath,
    sets: Sets = None,
    data: Data = None,
    runs: Runs = RUNS,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write the plan, as JSON.")
    ] = None,
    trace: Annotated[
        bool, typer.Option(help="Count parameters and operations, which takes torch.")
    ] = True,
    as_json: Json = False,
) -> int:
    """Shows what would run, and what it costs.

    Choices, views, graph, training, parameters, evaluations and the run's folder. Changes nothing.
    """
    from eqspec.cli import render_plan
    from eqspec.commands.plan import plan as describe
    from eqspec.runs.artifacts import write_text

    screen, given = _screen(context), _given(spec, sets=sets, data=data)
    screen.after_error = ("eqspec", "check", *given)
    planning = describe(spec, runs=runs, overrides=sets or (), data=data, traced=trace)
    screen.warn(planning.warnings)
    if out is not None:
        write_text(out, text=planning.own.plan.model_dump_json(indent=1, by_alias=True) + "\n")
    if as_json:
        screen.show_json(planning.as_data())
    else:
        screen.show(render_plan.planned(planning, width=screen.width))
    if out is not None:
        screen.say(f"The plan is in {out}.")
    screen.suggest("eqspec", "run", *given, *_elsewhere(runs))
    return 0


def run(  # noqa: PLR0913 - its options
    context: typer.Context,
    *,
    spec: SpecPath,
    sets: Sets = None,
    data: Data = None,
    runs: Runs = RUNS,
    steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Stop after N steps of each training.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Trains and judges a spec, or goes on where that stopped.

    The variants of `compare:` come first, each a run of its own; one table compares them all.
    Ctrl-C finishes the step, saves and stops; the same command goes on from there.
    """
    from eqspec.commands.plans import plan_spec

    screen, given = _screen(context), _given(spec, sets=sets, data=data)
    screen.after_error = ("eqspec", "check", *given)
    planned = plan_spec(spec, overrides=sets or (), data=data)
    screen.warn(planned.warnings)
    screen.say(f"To be run: {', then '.join(plan.name for plan in planned.in_order)}.")
    # Only now, so that a wrong spec is refused at once: importing torch takes seconds.
    from eqspec.cli.running import Asked, run_series

    again = ("eqspec", "run", *given, *_elsewhere(runs))
    other = [one for one in sets or () if one.partition("=")[0] != "seed"]
    seeded = _given(spec, sets=[*other, f"seed={planned.plan.seed + 1}"], data=data)
    asked = Asked(
        runs=runs,
        data=data,
        steps=steps,
        as_json=as_json,
        again=again,
        replicate=("eqspec", "run", *seeded, *_elsewhere(runs)),
    )
    screen.after_error = again
    return run_series(planned, asked, screen=screen)


def list_(
    context: typer.Context,
    *,
    family: Annotated[
        str | None,
        typer.Argument(metavar="[FAMILY]", help="methods, backbones, …; also `ops` and `specs`."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Lists what a spec may name.

    The cards of every family, or of one; `ops` lists the mechanisms behind them, `specs` the specs
    that ship.
    """
    from eqspec.cli import render_list
    from eqspec.commands.list import KINDS, OPS, SPECS, entries

    screen = _screen(context)
    screen.after_error = ("eqspec", "list")
    kinds = [kind for kind in KINDS if kind != OPS] if family is None else [family]
    found = {kind: entries(kind) for kind in kinds}
    if as_json:
        screen.show_json(render_list.as_data(found))
    else:
        screen.show(render_list.listed(found, width=screen.wrap))
    name = found[kinds[0]][0].name
    screen.suggest("eqspec", "plan" if kinds == [SPECS] else "show", name)
    return 0


def show(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a card or an op.")],
    family: Annotated[
        str | None, typer.Option("--family", metavar="FAMILY", help="Only of this family.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Shows a card or an op.

    What it is, where it lies and what may be set; of all families that have the name.
    """
    from eqspec.cli import render_show
    from eqspec.commands.show import show as look_up

    screen = _screen(context)
    screen.after_error = ("eqspec", "list")
    pages = look_up(name, family=family)
    if as_json:
        screen.show_json(render_show.as_data(pages))
    else:
        screen.show(render_show.shown(pages, width=screen.width))
    screen.suggest("eqspec", "list", render_show.kind(pages[0]))
    return 0


def _given(spec: Path, *, sets: list[str] | None, data: Path | None) -> tuple[str, ...]:
    """The arguments that say which spec is meant, for the next command."""
    where = () if data is None else ("--data", str(data))
    return (str(spec), *(part for one in sets or () for part in ("--set", one)), *where)


def _elsewhere(runs: Path) -> tuple[str, ...]:
    return () if runs == RUNS else ("--runs", str(runs))
