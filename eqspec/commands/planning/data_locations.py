"""Locations of datasets on this machine, which are not part of a recipe.

A location has one of two forms. `NAME=DIR` names a dataset, which is read in its own layout or
refused. `DIR` alone is a folder for the dataset that the spec trains on: if it has that dataset's
layout it is read as such; any other folder of images is a *stand-in* for it.

A stand-in is other data, and the run shows it. In the plan, in the recipe and in the ids of the
evaluations the dataset is then the card `image-folder`, which states no number of images and no
classes: both are counted. Only the size of the crops stays that of the spec's own dataset. So a run
on a stand-in never shares a folder, an id or a table's name with a run on the dataset itself. Two
stand-ins, like two copies of a dataset, have one recipe, since no location is part of it; the
fingerprint of the images keeps their runs apart: a run folder that began with other images is
refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pydantic import JsonValue, ValidationError

from eqspec.compile.lookup.resolve import Resolved
from eqspec.compile.types.plan import DataPlan, Plan
from eqspec.errors import Diagnostic, EqspecError, Location, SpecError, UsageError
from eqspec.ops.contract.data import DatasetOp
from eqspec.ops.find import UnknownOp, find_dataset
from eqspec.ops.image_files import LocationNotSet, no_folder
from eqspec.ops.op import DatasetParams, OpParams, how_it_runs_fields
from eqspec.ops.stored_views import StoredViews
from eqspec.ops.tolerant import Tolerant
from eqspec.registry.cards import DatasetCard
from eqspec.registry.catalog import Card, open_catalog
from eqspec.registry.facts import DatasetFacts

STAND_IN = "image-folder"
"""Dataset card of every stand-in."""

_NONE_NAMED: Mapping[str, Path] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DataLocations:
    """Locations of datasets on this machine.

    Attributes:
        own: folder of the spec's own dataset.
        named: name of a dataset, normalised by `slot` → its folder.
        asked: names of `named`, as they were given, that this command's line contains: each must be
            read. Locations in the settings of the machine need not be.
    """

    own: Path | None = None
    named: Mapping[str, Path] = field(default_factory=lambda: _NONE_NAMED)
    asked: tuple[str, ...] = ()

    def of(self, name: str, *, own: str | None = None) -> Path | None:
        """Return the folder of a dataset, or None if its location is unknown.

        Args:
            name: of the dataset, as on its card.
            own: name of the dataset that the spec trains on.
        """
        if name == own and self.own is not None:
            return self.own
        return self.named.get(slot(name))

    @property
    def arguments(self) -> tuple[str, ...]:
        """Arguments that give a command the same locations; those of the settings need none."""
        own = () if self.own is None else ("--data", str(self.own))
        named = ((name, self.named.get(slot(name))) for name in self.asked)
        return (*own, *(part for name, folder in named for part in ("--data", f"{name}={folder}")))


NO_LOCATIONS = DataLocations()
"""No location is known."""


def slot(name: str) -> str:
    """Return a dataset's normalised name: `image-folder` and `EQSPEC_DATA_IMAGE_FOLDER` agree."""
    return name.lower().replace("-", "_")


def read_all_asked(data: DataLocations, used: Iterable[DataPlan]) -> None:
    """Refuse a location of a dataset that the command does not read.

    `--data image-folder=DIR` for a spec of another dataset is a mistake that would otherwise be
    noticed after the training: DIR was never opened.

    Args:
        used: the datasets of the training and of the evaluations.

    Raises:
        UsageError: with the name of the dataset, and those that are read.
    """
    names = tuple(dict.fromkeys(one.name for one in used))
    unread = next((name for name in data.asked if slot(name) not in map(slot, names)), None)
    if unread is not None:
        raise UsageError(
            f"--data gives the location of `{unread}`, and no training or evaluation here reads it",
            help=f"these are read: {', '.join(names)}; to train on any folder of images instead of "
            f"`{names[0]}`: --data DIR",
        )


def without_location(plans: Iterable[Plan], *, locations: DataLocations) -> tuple[str, ...]:
    """Return the names of datasets that plans need and whose location is unknown.

    Only datasets whose op declares `needs_folder` count.
    """
    used = [(data, plan.data.name) for plan in plans for data in plan.datasets]
    return tuple(
        dict.fromkeys(
            data.name
            for data, own in used
            if locations.of(data.name, own=own) is None and find_dataset(data.impl).needs_folder
        )
    )


def dataset_names(spec: Path | None = None) -> tuple[str, ...]:
    """Return the names of all dataset cards, those in a `registry/` beside a spec included."""
    overlay = None if spec is None else spec.parent / "registry"
    return open_catalog(overlay=overlay).names("datasets")


def open_dataset(data: DataPlan, *, split: str, locations: DataLocations, own: str) -> Tolerant:
    """Open a split of a dataset, ``train`` or ``heldout``.

    Args:
        own: name of the dataset that the spec trains on.

    Raises:
        EqspecError: it is missing or cannot be read.
    """
    op = find_dataset(data.impl)
    params = op.Params.model_validate(data.params)
    folder = locations.of(data.name, own=own)
    _need_folder(params, folder)
    try:
        opened = op.open(params, split=split, folder=folder)
    except LocationNotSet:  # the op's error has its own name, which several cards may share
        raise LocationNotSet(data.name, own=data.name == own) from None
    views = opened.views if isinstance(opened, StoredViews) else 1
    return Tolerant(opened, limit=params.most_unreadable(len(opened) * views))


def need_own_folder(resolved: Resolved, *, data: DataLocations) -> None:
    """Refuse a location of the spec's data that is not a folder.

    Raises:
        SpecError: with the location.
    """
    assert resolved.lookup.own_data is not None, "a legal spec names its data"
    own = resolved.lookup.own_data.name
    op = find_dataset(resolved.data.impl)
    params = op.Params.model_validate(resolved.data.params)
    try:
        _need_folder(params, data.of(own, own=own))
    except UsageError as error:
        raise _not_usable(error, resolved, data=data) from error


def card_here(own: Card, *, data: DataLocations) -> Card:
    """Return the card of the data that a spec trains on here: its own, or a stand-in's.

    A card with a wrong op or wrong parameters is returned as it is; another check reports it.
    """
    if data.own is None or not data.own.is_dir():
        return own
    model = own.of(DatasetCard).model
    try:
        op = find_dataset(model.impl)
        params = op.Params.model_validate(model.params)
    except (UnknownOp, ValidationError):
        return own
    if _is_its_own(op, params, model.facts, folder=data.own):
        return own
    stand_in = _stand_in_card(open_catalog().card(DatasetCard, STAND_IN), params)
    kept = {"fingerprint": model.fingerprint}  # of a body in the spec, which contains it
    return dataclasses.replace(stand_in, model=stand_in.model.model_copy(update=kept))


def _need_folder(params: DatasetParams, folder: Path | None) -> None:
    if folder is None or folder.is_dir() or params.fetches:
        return
    raise no_folder(folder)


def _not_usable(error: EqspecError, resolved: Resolved, *, data: DataLocations) -> SpecError:
    """Return the error at the folder of `--data`, or else at the data of the spec."""
    location = resolved.source.value(("data",))
    if data.own is not None:
        text = str(data.own)
        location = Location("<cli>:--data", 1, 1, len(text) + 1, text)
    return SpecError((Diagnostic("EQ050", error.message, location, help=error.help),))


def _stand_in_card(card: Card[DatasetCard], params: OpParams) -> Card[DatasetCard]:
    """Return the stand-in's card with the spec's settings of how its own dataset is read."""
    model = card.model
    given = params.model_dump(mode="json", include=set(how_it_runs_fields(DatasetParams)))
    how: dict[str, JsonValue] = {k: v for k, v in given.items() if k in params.model_fields_set}
    together = {**model.params, **how}
    return dataclasses.replace(
        card,
        model=model.model_copy(update={"params": together}),
        body={**card.body, "params": together},
    )


def _is_its_own(op: DatasetOp, params: DatasetParams, facts: DatasetFacts, *, folder: Path) -> bool:
    """Return whether a folder contains the dataset itself, or is about to."""
    if params.fetches:
        return True
    # A card of a plain folder may state its number of images; another folder is a stand-in.
    promised = bool(facts.count)
    return op.recognises(params, folder) and (
        not promised or op.fits(params, folder, classes=facts.classes or None)
    )


def count_images(resolved: Resolved, *, data: DataLocations) -> int | None:
    """Count the training images, for data whose card does not state a number.

    Raises:
        SpecError: the folder cannot be read.
    """
    name = resolved.cards["data"].name
    folder = data.of(name, own=name)
    if resolved.data.facts.count is not None or folder is None:
        return None
    op = find_dataset(resolved.data.impl)
    params = op.Params.model_validate(resolved.data.params)
    try:
        return len(op.open(params, split="train", folder=folder))
    except EqspecError as error:
        raise _not_usable(error, resolved, data=data) from error
