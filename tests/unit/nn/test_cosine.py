"""BYOL's loss by its formula."""

from __future__ import annotations

import pytest
import torch

from eqspec.nn.terms.cosine import CrossViewCosine


def test_it_is_two_minus_two_cosines_in_both_orders() -> None:
    predictions = torch.tensor([[[3.0, 0.0]], [[1.0, 1.0]]], dtype=torch.float64)
    targets = torch.tensor([[[0.0, 2.0]], [[5.0, 0.0]]], dtype=torch.float64)
    first = 2 - 2 * 1.0  # (3, 0) to (5, 0)
    second = 2 - 2 * 0.5**0.5  # (1, 1) to (0, 2)
    assert CrossViewCosine()(predictions, targets).item() == pytest.approx(first + second)


def test_targets_get_no_gradient() -> None:
    predictions, targets = torch.randn(2, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    predictions.requires_grad_()
    targets.requires_grad_()
    CrossViewCosine()(predictions, targets).backward()
    assert predictions.grad is not None
    assert targets.grad is None
