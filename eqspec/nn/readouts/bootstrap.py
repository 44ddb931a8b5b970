"""Bootstrap resamples and their 95 % intervals. numpy only."""

from __future__ import annotations

import numpy as np

from eqspec.nn.random.philox import Draws
from eqspec.nn.readouts.measurement import Interval

TILE = 1 << 16
"""Draws at a time, 512 kB: intermediate results stay in a processor's cache."""


def resample(clusters: np.ndarray, *, resamples: int, op: str) -> np.ndarray:
    """Return how often each sample occurs in each bootstrap resample, `[resamples, n]`.

    Whole clusters are drawn with replacement, as many as there are; with one sample per cluster
    this is the ordinary bootstrap. The draws depend on `op` and the number of clusters alone, so
    that two encoders are compared on the same resamples.

    Args:
        clusters: the cluster of each sample, `[n]`.
        op: name of the stream of random numbers.
    """
    _, member = np.unique(clusters, return_inverse=True)
    count = int(member.max()) + 1
    times = np.empty((resamples, len(member)))
    alone = np.array_equal(member, np.arange(count))
    rows = max(1, TILE // count)
    for first in range(0, resamples, rows):
        some = np.arange(first, min(first + rows, resamples))
        u = Draws(0).uniform(op, step=0, samples=some, view=0, count=count)
        drawn = (u * count).astype(np.int64) + count * np.arange(len(some))[:, None]
        found = np.bincount(drawn.ravel(), minlength=len(some) * count).reshape(-1, count)
        times[some] = found if alone else found[:, member]
    return times


def interval(values: np.ndarray, *, over: str) -> Interval:
    """Return the middle 95 % of resampled values; NaN values are left out.

    Args:
        over: what was resampled.
    """
    finite = values[~np.isnan(values)]
    if not len(finite):
        return Interval(over, float("nan"), float("nan"))
    low, high = np.percentile(finite, [2.5, 97.5])
    return Interval(over, float(low), float(high))
