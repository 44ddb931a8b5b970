"""Arguments that several commands share, and how they are written again in the next command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eqspec.cli.screen import Screen

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


def screen_of(context: typer.Context) -> Screen:
    """The screen that main passes to every command."""
    screen = context.obj
    assert isinstance(screen, Screen), "main passes one"
    return screen


def spec_arguments(spec: Path, *, sets: list[str] | None, data: Path | None) -> tuple[str, ...]:
    """The arguments that say which spec is meant, for the next command."""
    where = () if data is None else ("--data", str(data))
    return (str(spec), *(part for one in sets or () for part in ("--set", one)), *where)


def runs_arguments(runs: Path) -> tuple[str, ...]:
    """The argument that says where the runs are, where it must be said."""
    return () if runs == RUNS else ("--runs", str(runs))
