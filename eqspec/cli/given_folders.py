"""Folders that `--data` gave to earlier commands on a run, for the commands suggested next.

They are in the cache of this machine, not in the run folder: no location is part of a run, and one
that is published shows none. A suggestion is all that they are used for.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from eqspec.cli.settings import cache_folder
from eqspec.commands.planning.data_locations import NO_LOCATIONS, DataLocations, slot
from eqspec.errors import EqspecError
from eqspec.regular_files import content_of
from eqspec.runs.artifacts import canonical_json, write_text
from eqspec.runs.recorded_plan import recorded_datasets


class _Given(BaseModel):
    """Content of an entry.

    Attributes:
        named: name of a dataset, normalised by `slot` → its folder. A folder given without a name
            has that of the data that the run trains on, so that there is one of each.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    named: dict[str, str] = {}


def remember_folders(run: Path, *, data: DataLocations) -> None:
    """Store the folders that a command was given; one that cannot be stored is ignored."""
    path = _entry(run)
    if path is None or (data.own is None and not data.asked):
        return
    named = {slot(name): _short(data.named[slot(name)]) for name in data.asked}
    if data.own is not None:
        named |= {slot(name): _short(data.own) for name in recorded_datasets(run)[:1]}
    given = _Given(named=_stored(path).named | named)
    with suppress(EqspecError):
        write_text(path, text=canonical_json(given.model_dump()), durable=False)


def remembered_folders(run: Path) -> DataLocations:
    """Return the folders that earlier commands on a run were given, as far as they still exist."""
    path = _entry(run)
    if path is None:
        return NO_LOCATIONS
    named = {name: Path(folder) for name, folder in _stored(path).named.items()}
    return DataLocations(named={name: there for name, there in named.items() if there.is_dir()})


def _short(folder: Path) -> str:
    """Return the absolute path without `..`, unless a link makes that another folder."""
    whole = folder.absolute()
    short = Path(os.path.normpath(whole))
    with suppress(OSError):
        return str(short if short.samefile(whole) else whole)
    return str(whole)


def _entry(run: Path) -> Path | None:
    """Return the path of a run's entry, None without a cache."""
    cache = cache_folder()
    key = hashlib.sha256(str(run.absolute()).encode("utf-8", "surrogateescape")).hexdigest()
    return None if cache is None else cache / "data" / f"{key}.json"


def _stored(path: Path) -> _Given:
    """Return an entry; an empty one if there is none, or if it is damaged."""
    try:
        return _Given.model_validate_json(content_of(path) or b"{}")
    except (OSError, ValidationError):
        return _Given()
