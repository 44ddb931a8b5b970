"""Arguments shared by several commands, and their form in a suggested next command."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eqspec.cli.screen import Screen
from eqspec.errors import EqspecError, UsageError

if TYPE_CHECKING:
    from eqspec.commands.planning.data_locations import DataLocations

SpecPath = Annotated[
    Path, typer.Argument(metavar="SPEC", help="A spec: a file, or a name from `eqspec list specs`.")
]
Run = Annotated[
    str, typer.Argument(metavar="RUN", help="A run: its path, the start of its name, or `latest`.")
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override a value of the spec. Repeatable."),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="[NAME=]DIR",
        help="Folder of a dataset; without a name, of the training images. Repeatable.",
    ),
]


_CURRENT_FOLDER = "write `.` for the current folder"


def _folder(argument: str | Path) -> Path:
    """Parse the path of an existing or a new folder."""
    if not str(argument).strip():  # an unset shell variable must not mean the current folder
        raise UsageError("--runs needs a folder, but is empty", help=_CURRENT_FOLDER)
    path = Path(argument)
    for part in (path, *path.parents):
        if part.exists() and not part.is_dir():
            raise UsageError(f"--runs needs a folder, but `{part}` is a file")
    return path


Runs = Annotated[
    Path,
    typer.Option("--runs", metavar="DIR", help="Folder that contains all runs.", parser=_folder),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class OutputFormat(StrEnum):
    """Format in which problems are reported."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"


Format = Annotated[
    OutputFormat | None,
    typer.Option(
        "--output-format",
        help="Report problems as text, as JSON, or as GitHub Actions annotations.",
    ),
]

RUNS = Path("runs")
"""Default of `--runs`."""

_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]*)=(.*)", re.DOTALL)


def screen_of(context: typer.Context, *, runs: Path | None = None) -> Screen:
    """Return the screen that `eqspec.cli.main` passes to every command.

    Args:
        runs: folder of all runs, whose status is suggested after an error.
    """
    screen = context.obj
    assert isinstance(screen, Screen), "set by eqspec.cli.main"
    if runs is not None:
        screen.after_error = ("eqspec", "status", *runs_arguments(runs))
    return screen


def data_locations(
    data: Sequence[str] | None, *, spec: Path | None = None, runs: Sequence[Path] = ()
) -> DataLocations:
    """Return the folders of datasets from `--data`, `EQSPEC_DATA_<NAME>` and the settings file.

    The earlier of these three wins. An argument that is the path of an existing folder is taken
    as a path even if it contains `=`.

    Args:
        data: the arguments of `--data`.
        spec: path of the spec, so that the datasets of a `registry/` beside it are known.
        runs: folders of runs, so that their own datasets are known.

    Raises:
        UsageError: for an empty folder, an unknown dataset, or several folders without a name.
        SpecError: with all problems of the settings file.
    """
    from eqspec.build.weights.paths import expanded
    from eqspec.cli.settings import places_of_this_machine
    from eqspec.commands.planning.data_locations import DataLocations, dataset_names, slot

    own: Path | None = None
    asked: list[str] = []
    named = places_of_this_machine()
    for text in data or ():
        match = None if Path(text).exists() else _NAMED.fullmatch(text)
        argument = match[2] if match else text
        if not argument.strip():  # an unset shell variable must not mean the current folder
            raise UsageError(f"`--data '{text}'` has no folder", help=_CURRENT_FOLDER)
        folder = expanded(argument)
        if match:
            _check_name(match[1], (*dataset_names(spec), *_datasets_of(runs)))
            named[slot(match[1])] = folder
            asked.append(match[1])
        elif own is None:
            own = folder
        else:
            message = f"two folders for the spec's training images: {own} and {folder}"
            raise UsageError(message, help="name their datasets: --data NAME=DIR")
    return DataLocations(own=own, named=named, asked=tuple(asked))


def _datasets_of(runs: Sequence[Path]) -> tuple[str, ...]:
    if not runs:
        return ()
    from eqspec.runs.recorded_plan import recorded_datasets  # late: `check` needs no run folders

    return tuple(dict.fromkeys(name for run in runs for name in recorded_datasets(run)))


def _check_name(name: str, names: tuple[str, ...]) -> None:
    from eqspec.commands.planning.data_locations import slot

    if slot(name) in map(slot, names):
        return
    near = get_close_matches(name, names, n=1, cutoff=0.4)
    guess = f"did you mean `{near[0]}`? " if near else ""
    raise UsageError(
        f"`--data` names no known dataset: `{name}`",
        help=f"{guess}for the images that the spec trains on, write `--data DIR` without a name; "
        f"known datasets: {', '.join(names)}",
    )


def spec_arguments(
    spec: Path, *, sets: Sequence[str] | None, data: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the arguments that name a spec, its overrides and its data, for the next command."""
    settings = (part for one in sets or () for part in ("--set", one))
    places = (part for one in data or () for part in ("--data", one))
    return (str(spec), *settings, *places)


def runs_arguments(runs: Path) -> tuple[str, ...]:
    """Return `--runs` for the next command, unless the folder is the default."""
    return () if runs == RUNS else ("--runs", str(runs))


def option_arguments(**given: bool | int | str | Path | None) -> tuple[str, ...]:
    """Return the options that were given, for the next command.

    `again=True, time_limit="9m"` is `--again --time-limit 9m`; False and None were not given.
    """
    named = ((f"--{name.replace('_', '-')}", one) for name, one in given.items())
    pairs = ((flag, () if one is True else (str(one),)) for flag, one in named if one)
    return tuple(part for flag, value in pairs for part in (flag, *value))


def unknown_data(run: Path, *, data: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return `--data NAME=DIR` for the datasets of a run whose location is unknown here.

    DIR is the folder that an earlier command on the run was given on this machine. No location is
    part of a run, so where none is remembered, it is for the user to fill in.

    Args:
        run: its folder.
        data: the arguments of `--data` of this command.
    """
    from eqspec.cli.given_folders import remembered_folders
    from eqspec.commands.planning.data_locations import without_location
    from eqspec.commands.planning.run_plan import plan_with_added

    try:
        plan = plan_with_added(run)
        names = without_location((plan,), locations=data_locations(data))
    except EqspecError:  # damaged, or of another version: the command itself will say so
        return ()
    given = remembered_folders(run)
    folders = {name: given.of(name) for name in names}
    return data_arguments(folders)


def audit_arguments(run: Path, *, runs: Path) -> tuple[str, ...]:
    """Return the command that audits a run, with the folders of its data."""
    from eqspec.runs.query import run_name

    return ("eqspec", "audit", run_name(runs, run), *unknown_data(run), *runs_arguments(runs))


@contextmanager
def adding_remembered_data(
    screen: Screen, run: Path | None, *, command: Sequence[str], data: Sequence[str] | None
) -> Generator[None]:
    """If a command on a run lacks the location of data, suggest it with what is remembered.

    Args:
        run: its folder; None for a command on something else.
        command: the command, to be repeated with more arguments.
        data: the arguments of `--data` that it has.
    """
    from eqspec.cli.given_folders import remembered_folders
    from eqspec.commands.planning.data_locations import without_location
    from eqspec.commands.planning.run_plan import plan_in
    from eqspec.ops.image_files import LocationNotSet

    try:
        yield
    except LocationNotSet as error:
        if run is None:
            raise
        plan, given = plan_in(run), remembered_folders(run)
        names = {error.dataset, *without_location((plan,), locations=data_locations(data))}
        folders = {name: given.of(name) for name in sorted(names)}
        if all(folders.values()):
            screen.after_error = (*command, *data_arguments(folders))
        raise


def data_arguments(folders: Mapping[str, Path | None]) -> tuple[str, ...]:
    """Return `--data NAME=DIR` for datasets, with DIR itself where the folder is unknown."""
    pairs = (("--data", f"{name}={folder or 'DIR'}") for name, folder in folders.items())
    return tuple(part for pair in pairs for part in pair)
