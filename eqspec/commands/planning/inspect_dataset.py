"""Inspection of a dataset on this machine: number of images, their sizes, and three samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eqspec.commands.planning.data_locations import DataLocations, open_dataset
from eqspec.compile.types.plan import DataPlan
from eqspec.errors import Diagnostic, EqspecError, SpecError
from eqspec.ops.find import find_dataset
from eqspec.ops.folder_survey import FolderSurvey
from eqspec.ops.labels import NoLabels, why_no_labels
from eqspec.ops.left_out import LeftOut
from eqspec.ops.tolerant import INCOMPLETE, Tolerant

DECODED = 48
"""Number of evenly spaced training images that are decoded."""

SHOWN = 3
"""Number of these that are described."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One decoded image.

    Attributes:
        index: in the training split.
        mean: over all pixels and channels, in [0, 1].
        label: its class, if there are classes.
        latents: stored with it, if any.
    """

    index: int
    width: int
    height: int
    mean: float
    label: str | None
    latents: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class DataFound:
    """A dataset as found on this machine.

    Attributes:
        folder: of the dataset.
        train, heldout: number of images in each split, or of objects with several stored views.
        views: stored views of each object; 1 if a sample is one image.
        classes: number of classes; 0 without.
        no_labels: why an evaluation cannot read labels here; None if it can.
        splits: names of the folders of the splits, if there are any.
        left_out: files and folders below `folder` that are not read.
        notes: hints about the files that are read.
        smallest, largest: width and height, each by itself, of the decoded images.
        inspected: number of training images that were decoded.
        samples: three of them: first, middle and last.
        unreadable: images that cannot be read, with the reason.
        most_unreadable: largest number of damaged training images that a run replaces.
    """

    name: str
    folder: Path
    train: int
    heldout: int
    views: int
    classes: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    inspected: int
    samples: tuple[Sample, ...]
    unreadable: tuple[str, ...]
    most_unreadable: int
    no_labels: NoLabels | None = None
    splits: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()


def inspect(data: DataPlan, *, locations: DataLocations, own: str) -> DataFound | None:
    """Inspect a dataset; return None if its location is unknown.

    Args:
        own: name of the dataset that the spec trains on.

    Raises:
        SpecError: it cannot be read, or is incomplete.
    """
    folder = locations.of(data.name, own=own)
    if folder is None:
        return None
    try:
        train = open_dataset(data, split="train", locations=locations, own=own)
        heldout = open_dataset(data, split="heldout", locations=locations, own=own)
        _count(train, data)
        samples = _samples(train)
        survey = _survey(data, folder)
    except EqspecError as error:
        message, *listed = (line.strip() for line in error.message.split("\n"))
        found = Diagnostic("EQ050", message, help=error.help, notes=tuple(listed))
        raise SpecError((found,)) from error
    return DataFound(
        name=data.name,
        folder=folder,
        train=len(train),
        heldout=len(heldout),
        views=train.views,
        classes=len(train.classes),
        smallest=(min(s.width for s in samples), min(s.height for s in samples)),
        largest=(max(s.width for s in samples), max(s.height for s in samples)),
        inspected=len(samples),
        samples=tuple(samples[i] for i in _evenly(len(samples), count=SHOWN)),
        unreadable=tuple(train.unreadable.values()),
        most_unreadable=train.limit,
        no_labels=why_no_labels(train, heldout, data=data.name),
        splits=survey.splits,
        left_out=survey.left_out,
        notes=survey.notes,
    )


def _survey(data: DataPlan, folder: Path) -> FolderSurvey:
    """Return the op's survey of the files and folders around the images, if it has one."""
    op = find_dataset(data.impl)
    return op.survey(op.Params.model_validate(data.params), folder)


def _count(train: Tolerant, data: DataPlan) -> None:
    if data.count and len(train) != data.count:
        message = f"`{data.name}` has {data.count} training images, but {len(train)} were found"
        raise EqspecError(message, help=INCOMPLETE)


def _samples(dataset: Tolerant) -> list[Sample]:
    """Decode evenly spaced images; skip damaged ones. Of an object, take its first view."""
    found: list[Sample] = []
    for i in _evenly(len(dataset), count=DECODED):
        pair = dataset.pair(i, (0, 1)) if dataset.views > 1 else None
        image = dataset.image(i) if pair is None else pair.images[0]
        if i * dataset.views in dataset.unreadable:
            continue
        height, width, _ = image.shape
        label = None if dataset.labels is None else dataset.classes[int(dataset.labels[i])]
        mean = round(float(np.mean(image)) / 255, 4)
        latents = None if pair is None else tuple(pair.latents[0].round(4).tolist())
        found.append(Sample(i, width=width, height=height, mean=mean, label=label, latents=latents))
    if not found:
        reasons = "; ".join(list(dataset.unreadable.values())[:SHOWN])
        raise EqspecError(f"no image can be read: {reasons}", help="repair them")
    return found


def _evenly(many: int, *, count: int) -> Sequence[int]:
    """Return numbers below `many`, evenly spaced from the first to the last."""
    return sorted({round(at) for at in np.linspace(0, many - 1, min(count, many)).tolist()})
