"""Data of an evaluation's training: as found in a folder, or as the dataset's card states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eqspec.commands.planning.data_locations import DataLocations, open_dataset
from eqspec.compile.fine_tune import FineTuneData, parts
from eqspec.errors import EqspecError
from eqspec.nn.random.source_slice import in_slice
from eqspec.ops.find import find_evaluation

if TYPE_CHECKING:
    from eqspec.compile.types.plan import EvalPlan, Plan
    from eqspec.ops.tolerant import Tolerant


def found_data(evaluation: EvalPlan, train: Tolerant) -> FineTuneData:
    """Return what an evaluation's training has of an opened training split."""
    classes = len(train.classes)
    share = parts(evaluation, classes=classes).held_back
    left_out = int(in_slice(train.sources, share=share).sum()) if share else 0
    return FineTuneData(images=len(train) - left_out, classes=classes)


def known_data(
    plan: Plan, evaluation: EvalPlan, *, locations: DataLocations
) -> FineTuneData | None:
    """Return what is known of the data before a run; None if it is neither stated nor found here.

    The files of a dataset are listed only if its card leaves its images or classes open. A folder
    that cannot be read counts as unknown: opening it for the run reports that.
    """
    data, labelled = evaluation.data, find_evaluation(evaluation.impl).needs_labels
    if data.count and (data.classes or not labelled):
        kept = 1 - parts(evaluation, classes=data.classes).held_back
        return FineTuneData(images=round(data.count * kept), classes=data.classes)
    train = _found(plan, evaluation, locations=locations)
    if train is None or len(set(train.sources.tolist())) < _LEAST:
        return None
    if labelled and len(train.classes) < _LEAST:
        return None
    return found_data(evaluation, train)


_LEAST = 2
"""Of classes and files; with fewer, an evaluation that reads labels is refused for that."""


def _found(plan: Plan, evaluation: EvalPlan, *, locations: DataLocations) -> Tolerant | None:
    own = plan.data.name
    if locations.of(evaluation.data.name, own=own) is None:
        return None
    try:
        train = open_dataset(evaluation.data, split="train", locations=locations, own=own)
        train.list_files()
    except EqspecError:
        return None
    return train
