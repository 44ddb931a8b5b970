"""Accuracy with intervals: top-1 and mean per class, alone and beside another model's. numpy only.

Top-1 is the share of all images that are classified rightly; mean per class is the mean of that
share over the classes, so that a rare class counts as much as a common one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from eqspec.errors import UsageError
from eqspec.nn.readouts.bootstrap import interval, resample
from eqspec.nn.readouts.measurement import (
    IMAGES,
    Group,
    Measurement,
    ResultSet,
    difference_of,
)

NAMES = ("top1", "mean_per_class")
"""The metrics, in the order of every pair below."""


def accuracies(right: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Top-1 and mean per class of the images `[n]` that are there."""
    once = np.ones((1, len(labels)))
    top1, per_class = resampled_accuracies(once, right, labels)
    return float(top1[0]), float(per_class[0])


def resampled_accuracies(
    times: np.ndarray, right: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Top-1 and mean per class of every resample, each `[resamples]`.

    A class that a resample lacks does not count in it.

    Args:
        times: how often each image occurs, `[resamples, n]`.
        right: whether it is classified rightly, `[n]`.
        labels: its class, `[n]`.
    """
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    times = times[:, order]
    images_RC = np.add.reduceat(times, starts, axis=1)
    hits_RC = np.add.reduceat(times * right[order], starts, axis=1)
    recall_RC = np.divide(
        hits_RC, images_RC, out=np.full_like(hits_RC, np.nan), where=images_RC > 0
    )
    return hits_RC.sum(axis=1) / images_RC.sum(axis=1), np.nanmean(recall_RC, axis=1)


def accuracy_measurements(
    right: np.ndarray, labels: np.ndarray, *, times: np.ndarray, row: str, group: Group = ()
) -> Iterator[Measurement]:
    """Yield both metrics with their 95 % intervals over held-out images."""
    values = accuracies(right, labels)
    resampled = resampled_accuracies(times, right, labels)
    for name, value, spread in zip(NAMES, values, resampled, strict=True):
        over_images = interval(spread, over=IMAGES)
        yield Measurement(
            name, value, row=row, group=group, intervals=(over_images,), n=len(labels)
        )


def image_resamples(sources: np.ndarray, *, resamples: int) -> np.ndarray:
    """Bootstrap multiplicities `[resamples, n]`; images of one source stay together."""
    return resample(sources, resamples=resamples, op="accuracy.bootstrap")


def accuracy_difference(
    a: ResultSet, b: ResultSet, *, keys: Sequence[str] = ()
) -> tuple[Measurement, ...]:
    """Both metrics of `a` minus those of `b`, paired, for every `right/…` that both have.

    Args:
        a: with the arrays `labels`, `images`, `sources` and `right/<row>/<one part per key>`.
        b: likewise.
        keys: of the measurements' groups.

    Raises:
        UsageError: the two were not measured on the same images.
    """
    for name in ("images", "labels", "sources"):
        if not np.array_equal(a.arrays[name], b.arrays[name]):
            raise UsageError(
                f"the two results cannot be compared: their {name} differ",
                help="evaluate both with the same protocol on the same data",
            )
    labels = a.arrays["labels"]
    resamples = min(int(a.facts["resamples"]), int(b.facts["resamples"]))
    times = image_resamples(a.arrays["sources"], resamples=resamples)
    found: list[Measurement] = []
    for array in (n for n in a.arrays if n.startswith("right/") and n in b.arrays):
        _, row, *parts = array.split("/")
        of_a, of_b = a.arrays[array], b.arrays[array]
        gaps = np.subtract(accuracies(of_a, labels), accuracies(of_b, labels))
        resampled = np.subtract(
            resampled_accuracies(times, of_a, labels), resampled_accuracies(times, of_b, labels)
        )
        for name, gap, spread in zip(NAMES, gaps, resampled, strict=True):
            paired = Measurement(
                difference_of(name),
                float(gap),
                row=row,
                group=tuple(zip(keys, parts, strict=True)),
                intervals=(interval(spread, over=IMAGES),),
                n=len(labels),
            )
            found.append(paired)
    return tuple(found)
