"""Where datasets lie on this machine: how a run runs, never what it is.

A place has one of two forms. `NAME=DIR` says "this is that dataset": it is read in the dataset's
own layout, or refused. `DIR` alone is a folder for whatever the spec trains on: laid out as the
spec's dataset it is read as that; any other folder of images *stands in* for it.

A stand-in is other data, and the run says so. In the plan, in the recipe and in the ids of the
evaluations the dataset is then the card `image-folder`, which promises no number of images and no
classes: both are counted. Only the size of the crops stays what the spec's own dataset asks for. So
a run on a stand-in never shares a folder, an id or a table's name with a run on the dataset itself.
Two stand-ins, like two copies of a dataset, have one recipe, since neither's place is part of it;
the fingerprint of the images keeps their runs apart: a run folder that was begun on other images is
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
from eqspec.errors import Diagnostic, EqspecError, SpecError, UsageError
from eqspec.ops.contract.data import DatasetOp
from eqspec.ops.find import UnknownOp, find_dataset
from eqspec.ops.image_files import NotPlaced
from eqspec.ops.op import DatasetParams, OpParams, how_it_runs_fields
from eqspec.ops.tolerant import Tolerant
from eqspec.registry.cards import DatasetCard, DatasetFacts
from eqspec.registry.catalog import Card, open_catalog

STAND_IN = "image-folder"
"""The dataset that stands in for any other."""

_NOWHERE: Mapping[str, Path] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DataPlaces:
    """Where datasets lie.

    Attributes:
        own: folder of the spec's own dataset, whichever that is.
        named: name of a dataset, as `slot` writes it → its folder.
        asked: names of `named`, as they were written, that were given for this one command: each
            is to be read. What holds for the whole machine need not be.
    """

    own: Path | None = None
    named: Mapping[str, Path] = field(default_factory=lambda: _NOWHERE)
    asked: tuple[str, ...] = ()

    def of(self, name: str, *, own: str | None = None) -> Path | None:
        """The folder of a dataset, or None where nobody said.

        Args:
            name: of the dataset, as on its card.
            own: name of the dataset that the spec trains on.
        """
        if name == own and self.own is not None:
            return self.own
        return self.named.get(slot(name))


NOWHERE = DataPlaces()
"""Nobody said anything."""


def slot(name: str) -> str:
    """A dataset's name as places know it: `image-folder` and `EQSPEC_DATA_IMAGE_FOLDER` agree."""
    return name.lower().replace("-", "_")


def read_all_asked(data: DataPlaces, used: Iterable[DataPlan]) -> None:
    """Refuses a folder that was given for a dataset which nothing here reads.

    Whoever writes `--data image-folder=DIR` for a spec of another dataset means to train on DIR,
    and would find out after the training that it was never opened.

    Args:
        used: what is trained on and judged on.

    Raises:
        UsageError: naming the dataset, and those that are read.
    """
    names = tuple(dict.fromkeys(one.name for one in used))
    unread = next((name for name in data.asked if slot(name) not in map(slot, names)), None)
    if unread is not None:
        raise UsageError(
            f"--data says where `{unread}` lies, and nothing here is trained or judged on it",
            help=f"what is read: {', '.join(names)}; to train on any folder of images instead of "
            f"`{names[0]}`: --data DIR",
        )


def without_place(plans: Iterable[Plan], *, places: DataPlaces) -> tuple[str, ...]:
    """Names of the datasets that a run of some plans needs and of which nobody said where they lie.

    An op says by `needs_folder` whether it needs a folder at all.
    """
    used = [(data, plan.data.name) for plan in plans for data in plan.datasets]
    return tuple(
        dict.fromkeys(
            data.name
            for data, own in used
            if places.of(data.name, own=own) is None and find_dataset(data.impl).needs_folder
        )
    )


def dataset_names(spec: Path | None = None) -> tuple[str, ...]:
    """Names of all dataset cards; also of those in a `registry/` beside a spec."""
    overlay = None if spec is None else spec.parent / "registry"
    return open_catalog(overlay=overlay).names("datasets")


def open_dataset(data: DataPlan, *, split: str, places: DataPlaces, own: str) -> Tolerant:
    """A split of a dataset, ``train`` or ``heldout``.

    Args:
        own: name of the dataset that the spec trains on.

    Raises:
        EqspecError: when it is not there or cannot be read.
    """
    op = find_dataset(data.impl)
    params = op.Params.model_validate(data.params)
    folder = places.of(data.name, own=own)
    _need_folder(params, folder)
    try:
        opened = op.open(params, split=split, folder=folder)
    except NotPlaced:  # the op knows its own name, which several cards may share
        raise NotPlaced(data.name, own=data.name == own) from None
    return Tolerant(opened, limit=params.unreadable)


def need_own_folder(resolved: Resolved, *, data: DataPlaces) -> None:
    """Refuses a place for the data of a spec where there is no folder.

    Raises:
        SpecError: naming the place.
    """
    assert resolved.lookup.own_data is not None, "a legal spec names its data"
    own = resolved.lookup.own_data.name
    op = find_dataset(resolved.data.impl)
    params = op.Params.model_validate(resolved.data.params)
    try:
        _need_folder(params, data.of(own, own=own))
    except UsageError as error:
        raise _not_usable(error, resolved) from error


def card_here(own: Card, *, data: DataPlaces) -> Card:
    """The card of what is read here for the data that a spec trains on: its own, or a stand-in's.

    A card whose op or parameters are not legal stays what it is: that is said elsewhere.
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
    stand_in = _told(open_catalog().card(DatasetCard, STAND_IN), params)
    said = {"fingerprint": model.fingerprint}  # of a body, which holds it
    return dataclasses.replace(stand_in, model=stand_in.model.model_copy(update=said))


def _need_folder(params: DatasetParams, folder: Path | None) -> None:
    if folder is None or folder.is_dir() or params.fetches:
        return
    there = f"{folder} is a file, no folder" if folder.exists() else f"there is no folder {folder}"
    raise UsageError(there, help="check the path of the dataset")


def _not_usable(error: EqspecError, resolved: Resolved) -> SpecError:
    place = resolved.source.value(("data",))
    return SpecError((Diagnostic("EQ050", error.message, place, help=error.help),))


def _told(card: Card[DatasetCard], params: OpParams) -> Card[DatasetCard]:
    """The stand-in's card with what the spec says of how its own dataset is read."""
    model = card.model
    said = params.model_dump(mode="json", include=set(how_it_runs_fields(DatasetParams)))
    how: dict[str, JsonValue] = {k: v for k, v in said.items() if k in params.model_fields_set}
    together = {**model.params, **how}
    return dataclasses.replace(
        card,
        model=model.model_copy(update={"params": together}),
        body={**card.body, "params": together},
    )


def _is_its_own(op: DatasetOp, params: DatasetParams, facts: DatasetFacts, *, folder: Path) -> bool:
    """Whether a folder holds the dataset itself, or is about to."""
    if params.fetches:
        return True
    # Of any folder of images, a card may promise how many there are; another one stands in.
    promised = bool(facts.count)
    return op.recognises(params, folder) and (
        not promised or op.fits(params, folder, classes=facts.classes or None)
    )


def count_images(resolved: Resolved, *, data: DataPlaces) -> int | None:
    """Training images as found, for data whose card does not promise a number.

    Raises:
        SpecError: when the folder cannot be read.
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
        raise _not_usable(error, resolved) from error
