"""What still fits in before a deadline, from what the pieces took."""

from __future__ import annotations

import pytest

from eqspec.commands.running.deadline import MARGIN, RECENT, Budget, Deadline


def test_without_a_deadline_everything_fits() -> None:
    budget = Budget(None)
    budget.stepped(1e9)
    budget.evaluated(1e9)
    assert budget.fits_step()
    assert budget.fits_evaluation()


@pytest.mark.parametrize(("left", "fits"), [(MARGIN + 60, True), (MARGIN + 8, False)])
def test_a_step_needs_time_for_a_checkpoint_as_well(left: float, fits: bool) -> None:
    budget = Budget(Deadline.after(left))
    budget.stepped(5.0)
    budget.saved(2.0)
    assert budget.fits_step() is fits
    assert budget.fits_evaluation()


def test_the_slowest_of_the_last_steps_counts_and_not_the_one_that_compiled() -> None:
    budget = Budget(Deadline.after(MARGIN + 50))
    budget.stepped(100.0)
    assert not budget.fits_step()
    for _ in range(RECENT):
        budget.stepped(1.0)
    assert budget.fits_step()


def test_the_longest_evaluation_counts() -> None:
    budget = Budget(Deadline.after(MARGIN + 50))
    budget.evaluated(80.0)
    budget.evaluated(1.0)
    assert not budget.fits_evaluation()
