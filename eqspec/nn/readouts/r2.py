"""The coefficient of determination R² of several parameters. numpy only.

R² of parameter d over n samples is 1 − RSS_d / TSS_d, with the mean of the evaluated split. P
parameters are aggregated in three ways: their uniform mean; 1 − ΣRSS / ΣTSS (variance-weighted);
and 1 − ΣRSS over the squares about one global mean (pooled, as SIE computes it, arXiv:2302.10283).
Pooled depends on the parameters' origin: a constant predictor reaches 0.82 on colour factors and 0
on their deltas. Every aggregate is therefore reported with the constant predictor's.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np


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
