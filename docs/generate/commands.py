"""The page of commands: what `eqspec COMMAND --help` prints, as tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import EnumType
from importlib import import_module
from typing import TYPE_CHECKING, get_args

from docs.generate.markdown import code, fence, line, table
from eqspec.cli.app import COMMANDS, app

if TYPE_CHECKING:
    from typer.core import TyperArgument, TyperCommand, TyperOption

INTRODUCTION = """\
# Commands

Every command has `--help` and `--json`. Data go to standard output, everything else to standard
error.

| exit status | meaning |
|---|---|
| 0 | done |
| 1 | a run failed |
| 2 | the spec or the command line is wrong |
| 3 | a folder contradicts the plan, or an audit level does not hold |
| 130, 143 | interrupted; everything is saved |

`RUN` is a path, the beginning of a run's name, or `latest`. `SPEC` is a file, or the name of a spec
that ships with eqspec (`eqspec list specs`).
"""


def page() -> str:
    """Return the page."""
    known = app().commands
    return "\n\n".join((INTRODUCTION.rstrip(), *(_command(n, known[n]) for n in COMMANDS))) + "\n"


def _command(name: str, command: TyperCommand) -> str:
    first, *more = re.split(r"\n\s*\n", command.help or "")
    parts = [f"## eqspec {name}", line(first), *map(line, more)]
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    if arguments:
        parts.append("\n".join(table(("argument", "meaning"), map(_argument, arguments))))
    parts.append("\n".join(table(("option", "meaning", "default"), map(_option, options))))
    examples = import_module(f"eqspec.cli.arguments.{name}").EXAMPLES
    parts.append(fence("\n".join(_examples(examples)), language="text"))
    return "\n\n".join(parts)


def _argument(argument: TyperArgument) -> tuple[str, str]:
    return code(argument.metavar or (argument.name or "").upper()), line(argument.help or "")


def _option(option: TyperOption) -> tuple[str, str, str]:
    names = ", ".join((*option.opts, *option.secondary_opts))
    default = "" if option.is_flag or option.default is None else str(option.default)
    return code(f"{names} {_values(option)}".strip()), line(option.help or ""), code(default)


def _values(option: TyperOption) -> str:
    """Return what stands for the option's value, as `--help` shows it."""
    kind = option.type_descriptor.annotation
    values = tuple(kind) if isinstance(kind, EnumType) else get_args(kind)
    choices = f"<{'|'.join(values)}>" if values and not option.metavar else ""
    return "" if option.is_flag else option.metavar or choices


def _examples(lines: tuple[str, ...]) -> Iterator[str]:
    for each in lines:
        command, *about = re.split(" {2,}", each, maxsplit=1)
        yield f"{command}    # {about[0]}" if about else command
