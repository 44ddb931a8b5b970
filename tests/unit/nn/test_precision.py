"""Tests that low precision is raised and high precision kept."""

from __future__ import annotations

import pytest
import torch

from eqspec.nn.precision import at_least_fp32


@pytest.mark.parametrize(
    ("given", "computed"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
        (torch.uint8, torch.float32),
    ],
)
def test_dtype_of_computation(given, computed):
    x = torch.tensor([0, 1, 3], dtype=given)
    assert at_least_fp32(x).dtype == computed
    assert at_least_fp32(x).tolist() == [0, 1, 3]


def test_wide_enough_is_not_copied():
    x = torch.zeros(2)
    assert at_least_fp32(x) is x
