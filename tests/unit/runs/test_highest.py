"""The highest mean of a column is one only where its lead is not noise."""

from __future__ import annotations

import pytest

from eqspec.nn.readouts.measurement import ENCODER, Interval, Measurement
from eqspec.runs.highest import Highest, highest
from eqspec.runs.tables import Entry, Kind, Table

APART = Highest(pytest.approx(0.52))
OVER_SEEDS = Highest(why_not="another point is within the noise over seeds")


def entry(row: str, value: float, *, kind: Kind = Kind.RUN, width: float | None = None) -> Entry:
    intervals = () if width is None else (Interval("images", value - width, value + width),)
    return Entry(row, kind, Measurement("r2", value, row=ENCODER, intervals=intervals))


def highest_of(*entries: Entry) -> Highest:
    table = Table.of(entries)
    return highest(table, table.columns[0])


def over_seeds(**values: tuple[float, ...]) -> Highest:
    return highest_of(*(entry(row, value) for row, of in values.items() for value in of))


def test_there_is_none_where_a_baseline_is_as_high() -> None:
    runs = entry("a", 0.2, width=0.01), entry("b", 0.3, width=0.01)
    assert highest_of(entry("untrained", 0.25, kind=Kind.BASELINE), *runs) == Highest(0.3)
    assert highest_of(entry("untrained", 0.3, kind=Kind.BASELINE), *runs) == Highest(
        why_not="a baseline is as high"
    )


@pytest.mark.parametrize(
    ("a", "b", "found"),
    [
        ((0.40, 0.42, 0.44), (0.50, 0.52, 0.54), APART),
        ((0.40, 0.42, 0.44), (0.30, 0.52, 0.74), OVER_SEEDS),
        # With two seeds each, two standard errors (.028) are far from enough; .061 are.
        ((0.46, 0.48), (0.51, 0.53), OVER_SEEDS),
        ((0.44, 0.46), (0.51, 0.53), APART),
        ((0.52, 0.52), (0.52, 0.52), OVER_SEEDS),
        ((0.40, 0.40), (0.52, 0.52), APART),
    ],
)
def test_the_lead_is_compared_with_the_spread_over_seeds(
    a: tuple[float, ...], b: tuple[float, ...], found: Highest
) -> None:
    assert over_seeds(a=a, b=b) == found
    assert over_seeds(b=b, a=a) == found


def test_it_is_compared_with_every_other_point_not_only_the_next() -> None:
    close, wide = (0.409, 0.41, 0.411), (0.20, 0.40, 0.60)
    assert over_seeds(a=(0.519, 0.52, 0.521), b=close) == APART
    assert over_seeds(a=(0.519, 0.52, 0.521), b=close, c=wide) == OVER_SEEDS


@pytest.mark.parametrize(
    ("width", "found"),
    [
        (0.04, Highest(0.3)),
        (0.06, Highest(why_not="the 95 % interval overlaps that of another point")),
        (None, Highest(why_not="one seed and no intervals, so the noise is unknown")),
    ],
)
def test_single_runs_are_compared_by_their_intervals(width: float | None, found: Highest) -> None:
    assert highest_of(entry("a", 0.2, width=width), entry("b", 0.3, width=width)) == found


def test_a_point_with_one_seed_cannot_be_compared_with_several() -> None:
    assert over_seeds(a=(0.1,), b=(0.5, 0.51)) == Highest(why_not="a point has one seed only")


def test_a_single_point_leads_nobody() -> None:
    assert over_seeds(a=(0.5, 0.51)) == Highest(why_not="only one point has a value")
