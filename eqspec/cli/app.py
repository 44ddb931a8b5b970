"""The typer application: all commands in the order of `eqspec --help`, imported on first use.

`eqspec --help` imports the arguments of every command, but none of their implementations.
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
from eqspec.cli.options import screen_of
from eqspec.cli.processes import take_part

COMMANDS = (
    "check",
    "plan",
    "run",
    "eval",
    "diff",
    "ablate",
    "audit",
    "seal",
    "status",
    "show",
    "list",
    "explain",
    "schema",
    "init",
    "gc",
)
"""`eqspec X` is parsed by `eqspec/cli/arguments/X.py` and implemented in `eqspec/commands/X`."""

TRAINING = frozenset({"run", "eval", "ablate", "audit"})
"""Commands that train or evaluate, and so use a device."""

_EXAMPLES = (
    "eqspec check specs/quickstart.yaml    find mistakes in a spec",
    "eqspec plan specs/quickstart.yaml     show what would run and its cost",
    "eqspec run specs/quickstart.yaml      train and evaluate, or resume",
    "eqspec list methods                   list the methods a spec can use",
    "eqspec show vicreg                    show the card of one method",
)


def app() -> TyperGroup:
    """Return the application with all commands and their examples."""
    # typer would convert its own default, None, to a bool with pydantic, which is slow to import.
    typer_app = _typer(default_map={"help": False})
    typer_app.callback(invoke_without_command=True, epilog=_examples(_EXAMPLES))(_eqspec)
    group = get_command(typer_app)
    assert isinstance(group, TyperGroup), "has a callback"
    group.commands = cast("MutableMapping[str, Any]", _Commands())
    return group


class _Commands(Mapping[str, TyperCommand]):
    """Commands by name; a command's arguments are imported when it is first looked up."""

    def __init__(self) -> None:
        self._loaded: dict[str, TyperCommand] = {}

    def __getitem__(self, name: str) -> TyperCommand:
        if name not in COMMANDS:
            raise KeyError(name)
        if name not in self._loaded:
            arguments = import_module(f"eqspec.cli.arguments.{name}")
            typer_app = _typer()
            typer_app.command(name, epilog=_examples(arguments.EXAMPLES))(arguments.command)
            command = get_command(typer_app)
            assert isinstance(command, TyperCommand), "an application of one command is no group"
            self._loaded[name] = command
        return self._loaded[name]

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
    # \b keeps click from joining these lines into a paragraph.
    return "\n".join(("\b", "Examples:", *shown))


def _example(line: str, *, room: int) -> Iterator[str]:
    """Lay out a command and its purpose; a long command is split by backslashes, ready to copy."""
    if len(line) <= room:
        yield line
        return
    command, *about = re.split(" {2,}", line, maxsplit=1)
    *parts, last = (part.plain for part in wrap(Text(command), width=room - len(" \\"), hang=4))
    yield from (f"{part} \\" for part in parts)
    yield last
    yield from (f"      {purpose}" for purpose in about)


def _eqspec(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Compile, train and evaluate experiments in self-supervised learning."""
    screen = screen_of(context)
    if version:
        screen.show(f"eqspec {eqspec.__version__}")
        raise typer.Exit
    if context.invoked_subcommand in TRAINING:
        take_part(context.invoked_subcommand, screen=screen)
    if context.invoked_subcommand is None:
        screen.show(context.get_help())
        screen.suggest("eqspec", "check", "specs/quickstart.yaml")
    else:  # after a wrong value of an option; commands that know better set another
        screen.after_error = ("eqspec", context.invoked_subcommand, "--help")
    return 0
