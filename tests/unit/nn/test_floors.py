"""A reconstruction beside the floors of its path, on made-up curves."""

from __future__ import annotations

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eqspec.nn.readouts.floors import (
    WINDOW,
    Floor,
    PathFloors,
    Reduction,
    Standing,
    share_of_variance,
    standing,
)

BLIND, COPIED = 0.15, 0.25
FLOORS = PathFloors(
    images=8,
    variance=0.05,
    size=32,
    full=Floor(copied=COPIED, blind=BLIND, known=0.02),
    coarse=Floor(copied=0.2, blind=0.18, known=0.1),
    side=8,
)
NO_WAY_BACK = FLOORS.model_copy(update={"full": Floor(copied=COPIED, blind=None, known=None)})

ERRORS = st.lists(st.floats(0, 2), min_size=1, max_size=3 * WINDOW)


def found(errors: list[float], *, floors: PathFloors = FLOORS) -> Standing:
    curve = dict(enumerate(errors, start=1))
    one = standing(curve, reduction="mean-over-variance", floors=floors)
    assert one is not None
    return one


def test_the_shares_of_one_error_are_the_same_for_every_reduction() -> None:
    mean = 0.01
    values: dict[Reduction, float] = {
        "mean": mean,
        "mean-over-variance": mean / FLOORS.variance,
        "sum-per-image": mean * 3 * 32**2,
    }
    shares = [share_of_variance(v, reduction=r, floors=FLOORS) for r, v in values.items()]
    assert shares == pytest.approx([0.2, 0.2, 0.2])


def test_without_a_step_there_is_no_standing() -> None:
    assert standing({}, reduction="mean", floors=FLOORS) is None


def test_a_fall_below_the_floor_is_dated_by_the_mean_over_the_window() -> None:
    one = found([1.0] * 50 + [0.1] * 50)
    # 20 steps at .1 have the mean .1; one at 1.0 among them makes it .145, two make it .19.
    assert (one.since, one.error, one.window) == (50 + WINDOW - 1, pytest.approx(0.1), WINDOW)
    assert (one.floor, one.against, one.once) == (BLIND, "blind", False)


def test_a_single_bad_batch_does_not_end_it_but_a_lasting_rise_does() -> None:
    assert found([0.1] * 40 + [0.5] + [0.1] * 40).since == 1
    risen = found([0.1] * 40 + [0.5] * 40)
    assert (risen.since, risen.once) == (None, True)
    again = found([0.1] * 40 + [0.5] * 40 + [0.1] * 40)
    assert again.since is not None
    assert again.since > 80


def test_the_error_of_the_floor_itself_is_not_below_it() -> None:
    assert found([BLIND] * 4).since is None


def test_a_short_curve_is_averaged_as_a_whole() -> None:
    one = found([0.4, 0.2])
    assert (one.error, one.window, one.since, one.once) == (pytest.approx(0.3), 2, None, False)


def test_what_cannot_be_undone_is_compared_with_copying() -> None:
    one = found([0.2] * 30, floors=NO_WAY_BACK)
    assert (one.against, one.floor, one.since) == ("copied", COPIED, 1)
    assert found([0.2] * 30).since is None


def test_steps_are_those_of_the_journal() -> None:
    curve = {step: (1.0 if step < 300 else 0.0) for step in range(100, 1000, 100)}
    one = standing(curve, reduction="mean-over-variance", floors=FLOORS)
    assert one is not None
    assert (one.since, one.once) == (None, False)
    late = standing({7: 0.1, 9: 0.1}, reduction="mean-over-variance", floors=FLOORS)
    assert late is not None
    assert late.since == 7


@given(ERRORS)
def test_since_is_the_first_step_of_the_last_stay_below(errors: list[float]) -> None:
    one = found(errors)
    means = [fmean(errors[max(0, end - WINDOW) : end]) for end in range(1, len(errors) + 1)]
    assert one.error == means[-1]
    if one.since is None:
        assert means[-1] >= BLIND
        assert one.once == (min(means) < BLIND)
        return
    assert all(mean < BLIND for mean in means[one.since - 1 :])
    assert one.since == 1 or means[one.since - 2] >= BLIND
    assert not one.once


@given(ERRORS, st.sampled_from(["mean", "sum-per-image"]))
def test_the_unit_of_a_term_moves_no_verdict(errors: list[float], reduction: Reduction) -> None:
    unit = 1 / share_of_variance(1.0, reduction=reduction, floors=FLOORS)
    curve = {step: error * unit for step, error in enumerate(errors, start=1)}
    one = standing(curve, reduction=reduction, floors=FLOORS)
    assert one is not None
    assert one.error == pytest.approx(found(errors).error, abs=1e-9)


@pytest.mark.parametrize(
    "change",
    [{"images": 0}, {"variance": 0.0}, {"variance": float("inf")}, {"size": 0}, {"strange": 1}],
)
def test_impossible_floors_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        PathFloors.model_validate(FLOORS.model_dump() | change)
    with pytest.raises(ValidationError):
        Floor(copied=float("nan"), blind=None, known=None)
