"""The commands in the order of `eqspec --help`, each imported when it is called.

`eqspec --help` imports the arguments of all of them, and of none what it works with.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from rich.text import Text
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

import eqspec
from eqspec.cli.columns import wrap
from eqspec.cli.one_device import refuse_several_processes
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
"""`eqspec X` is `eqspec/cli/arguments/X.py` on the screen and `eqspec/commands/X` below it."""

TRAINING = frozenset({"run", "eval", "ablate", "audit"})
"""Commands that train or evaluate, and so use a device."""

_FIRST = (
    "eqspec check specs/quickstart.yaml    is the spec right?",
    "eqspec plan specs/quickstart.yaml     what would run, and what does it cost?",
    "eqspec run specs/quickstart.yaml      train and evaluate, or go on with that",
    "eqspec list methods                   what may a spec name?",
    "eqspec show vicreg                    what does a name stand for?",
)


def app() -> TyperGroup:
    """Every command with its examples."""
    # Its own default, None, is made a truth value by typer with pydantic, which takes time.
    made = _typer(default_map={"help": False})
    made.callback(invoke_without_command=True, epilog=_examples(_FIRST))(_eqspec)
    group = get_command(made)
    assert isinstance(group, TyperGroup), "has a callback"
    group.commands = cast("MutableMapping[str, Any]", _Commands())
    return group


class _Commands(Mapping[str, TyperCommand]):
    """Every command by its name; made, and its arguments imported, when it is first looked up."""

    def __init__(self) -> None:
        self._made: dict[str, TyperCommand] = {}

    def __getitem__(self, name: str) -> TyperCommand:
        if name not in COMMANDS:
            raise KeyError(name)
        if name not in self._made:
            arguments = import_module(f"eqspec.cli.arguments.{name}")
            made = _typer()
            made.command(name, epilog=_examples(arguments.EXAMPLES))(arguments.command)
            command = get_command(made)
            assert isinstance(command, TyperCommand), "is alone, and so no group"
            self._made[name] = command
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _typer(**settings: object) -> typer.Typer:
    always = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    return typer.Typer(
        add_completion=False, rich_markup_mode=None, context_settings={**always, **settings}
    )


def _examples(lines: tuple[str, ...]) -> str:
    room = shutil.get_terminal_size().columns - len("    ")
    shown = (f"  {part}" for line in lines for part in _example(line, room=room))
    # \b: these lines are not to be filled.
    return "\n".join(("\b", "Examples:", *shown))


def _example(line: str, *, room: int) -> Iterator[str]:
    """A command and what it is for; where there is no room, on lines that a shell takes as one."""
    if len(line) <= room:
        yield line
        return
    command, *about = re.split(" {2,}", line, maxsplit=1)
    *parts, last = (part.plain for part in wrap(Text(command), width=room - len(" \\"), hang=4))
    yield from (f"{part} \\" for part in parts)
    yield last
    yield from (f"      {said}" for said in about)


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
    if context.invoked_subcommand in TRAINING:
        refuse_several_processes(context.invoked_subcommand)
    if context.invoked_subcommand is None:
        screen.show(context.get_help())
        screen.suggest("eqspec", "check", "specs/quickstart.yaml")
    return 0
