"""Draws that several samples share: they divide the batch, exist, and fit the terms over them."""

from __future__ import annotations

import pytest

from tests.unit.compile.test_planner import planned, problem

STL = "{use: stl}"


def test_samples_that_share_draws_divide_the_batch() -> None:
    views = planned(equivariance=STL).views.views
    assert [v.shared and v.shared.model_dump() for v in views] == [
        {"samples": 2, "own": ("flip", "blur")}
    ] * 2
    diagnostic = problem("equivariance.with={shared.global.samples: 3}", equivariance=STL)
    assert diagnostic.message == "a batch of 8 samples is no multiple of the 3 that share draws"
    assert "shared.global.samples: 3" in str(diagnostic.location and diagnostic.location.excerpt)
    odd = problem("train.batch=7", equivariance=STL)
    assert odd.message == "a batch of 7 samples is no multiple of the 2 that share draws"
    assert odd.location is not None
    assert odd.location.file.endswith("stl.yaml")


def test_a_term_over_groups_needs_groups_that_share_their_draws() -> None:
    """CARE's group is that of its views: of 4 samples under two augmentations it would be wrong."""
    both = "shared.alike_0.samples: 2, shared.alike_1.samples: 2"
    planned(f"equivariance.with={{{both}, equivariance.group: 2}}", equivariance="{use: care}")
    diagnostic = problem(
        f"equivariance.with={{{both}, equivariance.group: 4}}", equivariance="{use: care}"
    )
    assert diagnostic.message == (
        "`equivariance` compares groups of 4 samples, but the draws of `alike_0` are shared by 2"
    )
    assert diagnostic.help is not None
    assert "equivariance.group: 2" in diagnostic.help
    assert "equivariance.group: 4" in str(diagnostic.location and diagnostic.location.excerpt)


@pytest.mark.parametrize(
    ("shared", "message", "column"),
    [
        ("{globl: {samples: 2}}", "there is no view group `globl`", 29),
        ("{global: {samples: 2, own: [flp]}}", "no op `flp` in eqspec/ops/transforms/", 56),
    ],
)
def test_what_is_shared_has_to_exist(shared: str, message: str, column: int) -> None:
    diagnostic = problem(f"equivariance.with={{shared: {shared}}}", equivariance=STL)
    assert diagnostic.message == message
    assert str(diagnostic.location).endswith(f":1:{column}")
