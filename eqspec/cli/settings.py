"""Settings of this machine: the settings file, `EQSPEC_DATA_<NAME>` and `EQSPEC_CACHE`.

    # ~/.config/eqspec/settings.yaml, or $XDG_CONFIG_HOME/eqspec/settings.yaml
    data:
      imagenet1k: /datasets/imagenet
      cifar10: ~/data/cifar10

The file is validated as strictly as a spec. Its paths are relative to its own folder; `~` is the
home folder. No setting is part of a recipe.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from eqspec.build.weights.paths import expanded
from eqspec.commands.planning.data_locations import slot
from eqspec.errors import SpecError
from eqspec.spec.diagnose import in_order, validate
from eqspec.spec.load import read_text
from eqspec.spec.source import read_yaml

PREFIX = "EQSPEC_DATA_"
"""`EQSPEC_DATA_IMAGENET1K=/datasets/imagenet` sets the folder of the dataset `imagenet1k`."""


class Settings(BaseModel):
    """Content of the settings file.

    Attributes:
        data: name of a dataset → its folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: dict[str, str] = Field(default_factory=dict, description="Folders of datasets, by name.")


def places_of_this_machine() -> dict[str, Path]:
    """Return the folders of datasets by slot; the environment overrides the settings file.

    Raises:
        SpecError: with all problems of the settings file.
    """
    environment = os.environ  # noqa: TID251 - the CLI reads the environment
    return {**_in_settings(_settings_file(environment)), **_in_environment(environment)}


def cache_folder() -> Path | None:
    """Return the cache folder, or None if there is none.

    It is `EQSPEC_CACHE`, else `$XDG_CACHE_HOME/eqspec`, else `~/.cache/eqspec`; `EQSPEC_CACHE=off`
    turns caching off.
    """
    environment = os.environ  # noqa: TID251 - the CLI reads the environment
    if setting := environment.get("EQSPEC_CACHE"):
        return None if setting == "off" else Path(setting)
    if cache := environment.get("XDG_CACHE_HOME"):
        return Path(cache) / "eqspec"
    try:
        return Path("~/.cache/eqspec").expanduser()
    except RuntimeError:  # the user has no home folder
        return None


def _settings_file(environment: Mapping[str, str]) -> Path:
    config = environment.get("XDG_CONFIG_HOME")
    folder = Path(config) if config else expanded("~/.config")
    return folder / "eqspec" / "settings.yaml"


def _in_settings(path: Path) -> dict[str, Path]:
    if not path.is_file():
        return {}
    source = read_yaml(read_text(path), name=str(path))
    checked = validate(Settings, source)
    if checked.value is None or source.problems:
        raise SpecError(in_order((*source.problems, *checked.diagnostics)))
    data = checked.value.data
    return {slot(name): path.parent / expanded(place) for name, place in data.items()}


def _in_environment(environment: Mapping[str, str]) -> dict[str, Path]:
    return {
        slot(name.removeprefix(PREFIX)): expanded(place)
        for name, place in environment.items()
        if name.startswith(PREFIX) and place
    }
