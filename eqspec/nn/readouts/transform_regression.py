"""R² of transformation parameters from the errors of regressors: measurements and differences.

What `r2` measures, without the regressors: squared errors on held-out pairs become R² per family,
border and parameter, with bootstrap intervals over images and over their sources.
S seeds, M held-out pairs, P parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from eqspec.errors import UsageError
from eqspec.nn.readouts.bootstrap import interval, resample
from eqspec.nn.readouts.measurement import (
    IMAGES,
    SOURCES,
    Group,
    Measurement,
    ResultSet,
    difference_of,
)
from eqspec.nn.readouts.r2 import constant_r2, r2, resampled_r2

if TYPE_CHECKING:
    from eqspec.nn.readouts.pair_features import PairFeatures

Key = tuple[str, str, str]
"""(row, family, border)."""


def regression_result(
    held: PairFeatures, *, errors: Callable[[Key], np.ndarray], draws: int, resamples: int
) -> ResultSet:
    """Return R² of every row, family and border, in the order of the pairs.

    Args:
        held: features and parameters of the held-out pairs.
        errors: squared errors of a row, family and border on them, `[S, M, P]`, of parameters in
            [−1, 1].
        draws: of each image, so that there are `draws` times as many pairs as images.
        resamples: of each bootstrap.
    """
    images, sources = np.repeat(held.images, draws), np.repeat(held.sources, draws)
    units = _resamples(images, sources, resamples=resamples)
    measurements: list[Measurement] = []
    arrays = {"images": images, "sources": sources}
    for key in held.moved:
        squares_SMP = errors(key)
        measurements += _measurements(squares_SMP, held=held, key=key, resamples=units)
        arrays[_name(key)] = squares_SMP.mean(axis=0).astype(np.float32)
        arrays[f"targets/{key[1]}"] = held.scaled(key[1]).astype(np.float32)
    facts = {
        "heldout_images": len(held.images),
        "heldout_pairs": len(images),
        "heldout_sources": len(np.unique(sources)),
        "resamples": resamples,
    }
    return ResultSet(tuple(measurements), facts=facts, arrays=arrays)


def regression_difference(a: ResultSet, b: ResultSet) -> tuple[Measurement, ...]:
    """Return R² of `a` minus that of `b`, with paired bootstrap intervals, for common rows.

    Both are resampled together, so that the variation common to both cancels.

    Raises:
        UsageError: the two were not measured on the same held-out pairs.
    """
    shared = [name for name in a.arrays if name in b.arrays]
    for name in shared:
        if not name.startswith("errors/") and not np.array_equal(a.arrays[name], b.arrays[name]):
            raise UsageError(
                f"the two results cannot be compared: their {name} differ",
                help="evaluate both with the same protocol on the same data",
            )
    count = min(int(a.facts["resamples"]), int(b.facts["resamples"]))
    resamples = _resamples(a.arrays["images"], a.arrays["sources"], resamples=count)
    return tuple(
        _difference(a, b, name=name, resamples=resamples)
        for name in shared
        if name.startswith("errors/")
    )


def _difference(
    a: ResultSet, b: ResultSet, *, name: str, resamples: Mapping[str, np.ndarray]
) -> Measurement:
    """Return the difference of one row, family and border; `name` is the name of its array."""
    _, row, family, border = name.split("/")
    targets = a.arrays[f"targets/{family}"]
    of_a, of_b = a.arrays[name], b.arrays[name]
    return Measurement(
        difference_of("r2"),
        r2(of_a, targets).uniform - r2(of_b, targets).uniform,
        row=row,
        group=_group(family, border),
        intervals=tuple(
            interval(
                resampled_r2(times, of_a, targets) - resampled_r2(times, of_b, targets), over=over
            )
            for over, times in resamples.items()
        ),
        n=len(targets),
    )


def _name(key: Key) -> str:
    return "/".join(("errors", *key))


def _group(family: str, border: str) -> Group:
    return (("family", family), ("border", border))


def _resamples(images: np.ndarray, sources: np.ndarray, *, resamples: int) -> dict[str, np.ndarray]:
    """Return bootstrap multiplicities by unit of resampling; sources only if there are several.

    The names of the random streams predate the general words and must not change.
    """
    found = {IMAGES: resample(images, resamples=resamples, op="r2.bootstrap.crops")}
    if len(np.unique(sources)) > 1:
        found[SOURCES] = resample(sources, resamples=resamples, op="r2.bootstrap.photos")
    return found


def _measurements(
    squares_SMP: np.ndarray, *, held: PairFeatures, key: Key, resamples: Mapping[str, np.ndarray]
) -> Iterator[Measurement]:
    """Yield all measurements of one row, family and border."""
    row, family, border = key
    targets = held.scaled(family)
    one = partial(Measurement, row=row, n=len(targets))
    group = _group(family, border)
    # RSS is linear in the errors: the R² of mean errors is the mean R² of the seeds.
    squares = squares_SMP.mean(axis=0)
    score = r2(squares, targets)
    intervals = tuple(
        interval(resampled_r2(times, squares, targets), over=over)
        for over, times in resamples.items()
    )
    yield one("r2", score.uniform, group=group, intervals=intervals)
    if len(squares_SMP) > 1:
        spread = np.std([r2(s, targets).uniform for s in squares_SMP], ddof=1)
        yield one("r2_seed_spread", float(spread), group=group)
    for name, value in zip(held.names[family], score.per_parameter, strict=True):
        yield one("r2_parameter", float(value), group=(*group, ("parameter", name)))
    low, high = held.ranges[family].T
    half = (high - low) / 2
    own = targets * half + (low + high) / 2
    in_units, constant = r2(squares * half**2, own), constant_r2(own)
    yield one("r2_constant", constant.uniform, group=group)
    yield one("r2_weighted", in_units.weighted, group=group)
    yield one("r2_weighted_constant", constant.weighted, group=group)
    yield one("r2_pooled", in_units.pooled, group=group)
    yield one("r2_pooled_constant", constant.pooled, group=group)
