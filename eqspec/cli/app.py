"""The commands in the order of `eqspec --help`. What a command needs is imported when called."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated

import typer

import eqspec
from eqspec.cli.options import screen_of

COMMANDS = (
    "check",
    "plan",
    "run",
    "eval",
    "diff",
    "ablate",
    "audit",
    "status",
    "show",
    "list",
    "explain",
    "schema",
    "init",
    "gc",
)
"""`eqspec X` is `eqspec/cli/arguments/X.py` on the screen and `eqspec/commands/X.py` below it."""

_FIRST = (
    "eqspec check specs/quickstart.yaml    is the spec right?",
    "eqspec plan specs/quickstart.yaml     what would run, and what does it cost?",
    "eqspec run specs/quickstart.yaml      train and judge; again: go on where it stopped",
    "eqspec list methods                   what may a spec name?",
    "eqspec show vicreg                    what does a name stand for?",
)


def app() -> typer.Typer:
    """Every command with its examples."""
    made = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    made.callback(invoke_without_command=True, epilog=_examples(_FIRST))(_eqspec)
    for name in COMMANDS:
        arguments = import_module(f"eqspec.cli.arguments.{name}")
        made.command(name, epilog=_examples(arguments.EXAMPLES))(arguments.command)
    return made


def _examples(lines: tuple[str, ...]) -> str:
    # \b: these lines are not to be filled.
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def _eqspec(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Compiles specs of equivariance-coherent self-supervised learning, runs and judges them."""
    screen = screen_of(context)
    if version:
        screen.show(f"eqspec {eqspec.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        screen.show(context.get_help())
        screen.suggest("eqspec", "check", "specs/quickstart.yaml")
    return 0
