"""Arguments that several commands share, and how they are written again in the next command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eqspec.cli.screen import Screen
from eqspec.errors import UsageError

if TYPE_CHECKING:
    from eqspec.commands.planning.data_places import DataPlaces

SpecPath = Annotated[
    Path, typer.Argument(metavar="SPEC", help="A spec: its file, or the name of one that ships.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Set a value of the spec; repeatable."),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="[NAME=]DIR",
        help="Where a dataset lies; without a name, images to train on. Repeatable.",
    ),
]


def _folder(written: str | Path) -> Path:
    """A path that is a folder, or can become one."""
    if not str(written).strip():  # an unset variable of a shell is not the folder one is in
        raise UsageError("--runs '' names no folder", help="write `.` for the folder you are in")
    path = Path(written)
    for part in (path, *path.parents):
        if part.exists() and not part.is_dir():
            raise UsageError(f"`{part}` is a file, and --runs needs a folder")
    return path


Runs = Annotated[
    Path,
    typer.Option("--runs", metavar="DIR", help="Folder of all runs.", parser=_folder),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class OutputFormat(StrEnum):
    """How problems are reported."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


Format = Annotated[
    OutputFormat | None,
    typer.Option(
        "--output-format",
        help="How to report problems: for people, as JSON, or as annotations of GitHub Actions.",
    ),
]

RUNS = Path("runs")
"""Where runs are kept unless `--runs` says otherwise."""

_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)=(.*)", re.DOTALL)


def screen_of(context: typer.Context) -> Screen:
    """The screen that main passes to every command."""
    screen = context.obj
    assert isinstance(screen, Screen), "main passes one"
    return screen


def data_places(data: Sequence[str] | None, *, spec: Path | None = None) -> DataPlaces:
    """Where datasets lie: by `--data`, else by `EQSPEC_DATA_<NAME>`, else by the settings file.

    A folder that exists under the whole text of an argument is meant, should its path hold a `=`.

    Args:
        data: the arguments of `--data`.
        spec: its path, so that the datasets of a `registry/` beside it are known.

    Raises:
        UsageError: no folder, a name that no dataset has, or several folders without a name.
        SpecError: with everything that is wrong with the settings file.
    """
    from eqspec.build.weights.paths import expanded
    from eqspec.cli.settings import places_of_this_machine
    from eqspec.commands.planning.data_places import DataPlaces, dataset_names, slot

    own: Path | None = None
    asked: list[str] = []
    named = places_of_this_machine()
    for text in data or ():
        match = None if Path(text).exists() else _NAMED.fullmatch(text)
        written = match[2] if match else text
        if not written.strip():  # an unset variable of a shell is not the folder one is in
            message = f"`--data '{text}'` names no folder"
            raise UsageError(message, help="write `.` for the folder that you are in")
        folder = expanded(written)
        if match:
            _known(match[1], dataset_names(spec))
            named[slot(match[1])] = folder
            asked.append(match[1])
        elif own is None:
            own = folder
        else:
            message = f"two folders for the spec's own dataset: {own} and {folder}"
            raise UsageError(message, help="say which is which: --data NAME=DIR")
    return DataPlaces(own=own, named=named, asked=tuple(asked))


def _known(name: str, names: tuple[str, ...]) -> None:
    from eqspec.commands.planning.data_places import slot

    if slot(name) in map(slot, names):
        return
    near = get_close_matches(name, names, n=1, cutoff=0.4)
    guess = f"did you mean `{near[0]}`? " if near else ""
    raise UsageError(f"no dataset `{name}`", help=f"{guess}there are: {', '.join(names)}")


def spec_arguments(
    spec: Path, *, sets: Sequence[str] | None, data: Sequence[str] | None
) -> tuple[str, ...]:
    """The arguments that say which spec is meant and where its data lies, for the next command."""
    settings = (part for one in sets or () for part in ("--set", one))
    places = (part for one in data or () for part in ("--data", one))
    return (str(spec), *settings, *places)


def runs_arguments(runs: Path) -> tuple[str, ...]:
    """The argument that says where the runs are, where it must be said."""
    return () if runs == RUNS else ("--runs", str(runs))
