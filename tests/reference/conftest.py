"""Fixtures that run reference tests in two precisions."""

from __future__ import annotations

import pytest
import torch

from tests.reference.precision import Precision


@pytest.fixture(params=[torch.float64, torch.float32], ids=str)
def at(request: pytest.FixtureRequest) -> Precision:
    """Both precisions."""
    return Precision(request.param)
