"""The result of classifying held-out images: accuracies, facts and per-image values. numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from eqspec.nn.readouts.accuracy import accuracy_measurements, image_resamples
from eqspec.nn.readouts.measurement import Group, Measurement, ResultSet

if TYPE_CHECKING:
    from eqspec.nn.readouts.image_features import ImageFeatures

Predictions = dict[tuple[str, Group], np.ndarray]
"""Row and group of a classifier to the classes that it predicts, `[M]`."""


def classification_result(
    train: ImageFeatures,
    held_out: ImageFeatures,
    predicted: Predictions,
    *,
    resamples: int,
    facts: Mapping[str, object] = MappingProxyType({}),
) -> ResultSet:
    """Return the result of one or more classifiers.

    Args:
        train: what they learned from.
        held_out: what they classified.
        predicted: by each of them.
        resamples: of the bootstrap.
        facts: besides the numbers of images, sources and classes.
    """
    times = image_resamples(held_out.sources, resamples=resamples)
    labels = held_out.targets
    found: list[Measurement] = []
    arrays = {"images": held_out.images, "sources": held_out.sources, "labels": labels}
    for (row, group), classes in predicted.items():
        right = classes == labels
        found += accuracy_measurements(right, labels, times=times, row=row, group=group)
        arrays["/".join(("right", row, *(value for _, value in group)))] = right
    counts = {
        "train_images": len(train.images),
        "heldout_images": len(held_out.images),
        "heldout_sources": len(np.unique(held_out.sources)),
        "classes": len(held_out.classes),
        "resamples": resamples,
    }
    return ResultSet(tuple(found), facts={**counts, **facts}, arrays=arrays)
