from __future__ import annotations

import math

import pytest

from eqspec.runs.curves import compare_curves
from eqspec.runs.journal import Row


def rows(*losses: float, name: str = "train", **more: float) -> list[Row]:
    return [
        Row(step=step, name=name, values={"loss": loss, **more})
        for step, loss in enumerate(losses, start=1)
    ]


def test_equal_curves_are_equal_as_far_as_both_reach() -> None:
    found = compare_curves(rows(1.0, 0.5, 0.25), rows(1.0, 0.5))
    assert (found.equal_rows, found.through, found.parting) == (2, 2, None)


def test_the_first_step_that_differs_is_named_with_the_widest_gap_first() -> None:
    a = [Row(step=1, name="train", values={"loss": 1.0, "recon": 2.0})]
    b = [Row(step=1, name="train", values={"loss": 1.001, "recon": 1.0})]
    parting = compare_curves([*a, *rows(9.0)], [*b, *rows(8.0)]).parting
    assert parting is not None
    assert (parting.step, [gap.name for gap in parting.gaps]) == (1, ["recon", "loss"])
    assert parting.gaps[0].relative == 0.5
    assert parting.gaps[1].relative == pytest.approx(0.001 / 1.001)


def test_bits_are_compared_and_nothing_less() -> None:
    assert compare_curves(rows(math.nan), rows(math.nan)).parting is None
    for a, b in ((0.0, -0.0), (1.0, math.nextafter(1.0, 2.0)), (math.inf, math.nan)):
        assert compare_curves(rows(a), rows(b)).parting is not None


def test_numbers_that_one_side_lacks_are_named_and_do_not_part_the_curves() -> None:
    found = compare_curves(rows(1.0, recon=2.0), rows(1.0, lr=0.1))
    assert (found.parting, found.only_a, found.only_b) == (None, ("recon",), ("lr",))


def test_rows_of_one_side_only_are_passed_over() -> None:
    evaluated = [Row(step=1, name="knn", values={"top1": 0.5})]
    found = compare_curves([rows(1.0, 0.5)[0], *evaluated, rows(1.0, 0.5)[1]], rows(1.0, 0.5))
    assert (found.equal_rows, found.parting) == (2, None)


def test_without_rows_nothing_is_compared() -> None:
    assert compare_curves([], rows(1.0)).through == 0
