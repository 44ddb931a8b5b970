"""The numbers an evaluation reports: metrics with intervals, R², bootstraps. numpy only.

R² of parameter d over n samples is 1 − RSS_d / TSS_d, with the mean of the evaluated split. Three
ways to make one number of P parameters: their uniform mean; 1 − ΣRSS / ΣTSS (variance-weighted);
and 1 − ΣRSS over the squares about one global mean (pooled, as SIE computes it, arXiv:2302.10283).
Pooled depends on where the parameters' zeros lie: a constant predictor scores 0.82 on colour
factors, 0 on their deltas. So every number stands beside the constant predictor's.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eqspec.nn.random.philox import Draws


@dataclass(frozen=True, slots=True)
class Metric:
    """One number with what it is a number of.

    Attributes:
        low, high: ends of its 95 % interval, where it has one.
        group: (key, value) pairs such as (("row", "encoder"), ("border", "canvas")).
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    group: tuple[tuple[str, str], ...] = ()

    def of(self, key: str) -> str | None:
        """The group's value for a key, None where the metric has no such key."""
        return dict(self.group).get(key)


@dataclass(frozen=True, slots=True)
class Result:
    """What an evaluation returns.

    Attributes:
        metrics: the numbers to print.
        facts: how many samples, which sizes: what a reader needs to judge the numbers.
        arrays: per-sample values, by which two results can be compared on the same samples.
    """

    metrics: tuple[Metric, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Metrics and facts as plain data for JSON; nan and infinities become None."""
        rows = [
            {
                "name": m.name,
                "value": _plain(m.value),
                "low": _plain(m.low),
                "high": _plain(m.high),
                "group": dict(m.group),
            }
            for m in self.metrics
        ]
        return {"metrics": rows, "facts": dict(self.facts)}

    @classmethod
    def from_parts(cls, summary: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Result:
        """The inverse of `summary` with the arrays that were saved beside it."""
        metrics = tuple(
            Metric(
                name=m["name"],
                value=float("nan") if m["value"] is None else m["value"],
                low=m["low"],
                high=m["high"],
                group=tuple(m["group"].items()),
            )
            for m in summary["metrics"]
        )
        return cls(metrics=metrics, facts=summary["facts"], arrays=dict(arrays))


@dataclass(frozen=True, slots=True)
class Headline:
    """Which of an evaluation's numbers a table of several models shows.

    Attributes:
        title: what the table is of.
        metrics: name of a metric → its heading; empty where the group says it all.
        by: keys of a metric's group; every combination of their values is a column.
        digits: after the point.
        floor: (share of the untrained model's value, the word for what lies below it).
    """

    title: str
    metrics: Mapping[str, str]
    by: tuple[str, ...] = ()
    digits: int = 3
    floor: tuple[float, str] | None = None


def _plain(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


@dataclass(frozen=True, slots=True)
class R2:
    """R² in every aggregation; parameters without variance are NaN and left out of the others."""

    per_parameter: np.ndarray
    uniform: float
    weighted: float
    pooled: float


def r2(errors: np.ndarray, targets: np.ndarray) -> R2:
    """R² from squared errors `[n, P]` and targets `[n, P]` in the same units.

    Warns:
        UserWarning: a parameter has no variance and is dropped.
    """
    errors, targets = np.asarray(errors, np.float64), np.asarray(targets, np.float64)
    assert errors.shape == targets.shape, (errors.shape, targets.shape)
    varies = targets.min(axis=0) < targets.max(axis=0)
    if not varies.all():
        dropped = np.flatnonzero(~varies).tolist()
        warnings.warn(f"parameters {dropped} have no variance: left out of R²", stacklevel=2)
    per = np.full(targets.shape[1], np.nan)
    if not varies.any():
        return R2(per_parameter=per, uniform=np.nan, weighted=np.nan, pooled=np.nan)
    rss, kept = errors[:, varies].sum(axis=0), targets[:, varies]
    tss = ((kept - kept.mean(axis=0)) ** 2).sum(axis=0)
    per[varies] = 1 - rss / tss
    return R2(
        per_parameter=per,
        uniform=float(per[varies].mean()),
        weighted=float(1 - rss.sum() / tss.sum()),
        pooled=float(1 - rss.sum() / ((kept - kept.mean()) ** 2).sum()),
    )


def constant_r2(targets: np.ndarray) -> R2:
    """R² of the predictor that always answers each parameter's mean."""
    return r2((targets - targets.mean(axis=0)) ** 2, targets)


def resample(clusters: np.ndarray, *, resamples: int, op: str) -> np.ndarray:
    """How often each sample occurs in each bootstrap resample, `[resamples, n]`.

    Whole clusters are drawn with replacement, as many as there are; with one sample per cluster
    this is the ordinary bootstrap. The draws depend on nothing but `op` and the number of clusters,
    so two encoders are compared on the same resamples.

    Args:
        clusters: which cluster each sample belongs to, `[n]`.
        op: names the stream of random numbers.
    """
    _, member = np.unique(clusters, return_inverse=True)
    count = int(member.max()) + 1
    u = Draws(0).uniform(op, step=0, samples=np.arange(resamples), view=0, count=count)
    drawn = (u * count).astype(np.int64) + count * np.arange(resamples)[:, None]
    times = np.bincount(drawn.ravel(), minlength=resamples * count).reshape(resamples, count)
    return times[:, member].astype(np.float64)


def resampled_r2(times: np.ndarray, errors: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Uniform mean R² of every resample, `[resamples]`; errors (squared) and targets `[n, P]`."""
    varies = targets.min(axis=0) < targets.max(axis=0)
    centred = targets[:, varies].astype(np.float64)
    centred = centred - centred.mean(axis=0)
    n = times.sum(axis=1, keepdims=True)
    tss = times @ centred**2 - (times @ centred) ** 2 / n
    rss = times @ errors[:, varies].astype(np.float64)
    # A resample of one image over and over has no variance to explain.
    ratio = np.divide(rss, tss, out=np.full_like(rss, np.nan), where=tss > 1e-12 * n)
    return 1 - ratio.mean(axis=1) if ratio.shape[1] else np.full(len(times), np.nan)


def interval(values: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of resampled values; NaN values are left out."""
    finite = values[~np.isnan(values)]
    if not len(finite):
        return float("nan"), float("nan")
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)
