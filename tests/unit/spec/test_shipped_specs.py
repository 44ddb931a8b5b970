"""Specs that ship with eqspec."""

from __future__ import annotations

from pathlib import Path

import pytest

from eqspec.spec.load import load_spec
from eqspec.spec.model import EquivarianceSpec

SPECS = Path(__file__).parents[3] / "specs"

LARGEST_PAPER_LAMBDA = 5.0
"""The paper's λ, from 0.1 to 5, multiplies the mean over pixels; larger ones were unstable."""


PATHS = sorted(SPECS.rglob("*.yaml"))


@pytest.mark.parametrize("path", PATHS, ids=[str(path.relative_to(SPECS)) for path in PATHS])
def test_a_lambda_stands_beside_the_reduction_that_it_is_for(path: Path) -> None:
    spec = load_spec(path).spec.equivariance
    if isinstance(spec, EquivarianceSpec):
        assert (spec.reduction == "mean") is (spec.lambda_ <= LARGEST_PAPER_LAMBDA)
        assert "lambda_" not in spec.model_fields_set or "reduction" in spec.model_fields_set
