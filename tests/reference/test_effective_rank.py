"""Tests of the effective rank of features with known singular values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from eqspec.compile.types.plan import DataPlan, EvalPlan
from eqspec.evals.bench import Bench
from eqspec.evals.evaluate import evaluate
from eqspec.evals.features import Subject
from eqspec.nn.readouts.effective_rank import effective_rank
from tests.fakes import FakeImages


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_equally_strong_directions_are_counted() -> None:
    q = torch.linalg.qr(normal(200, 8, seed=0) - normal(200, 8, seed=0).mean(dim=0)).Q
    assert effective_rank(q) == pytest.approx(8, abs=1e-6)
    assert effective_rank(q[:, :3] @ normal(3, 3, seed=1)) < 3
    assert effective_rank(torch.cat([q, q], dim=1)) == pytest.approx(8, abs=1e-6)


def test_it_is_the_entropy_of_the_singular_values() -> None:
    x_ND = normal(60, 10, seed=0) * torch.arange(1, 11) + 7
    values = np.linalg.svd((x_ND - x_ND.mean(dim=0)).double().numpy(), compute_uv=False)
    p = values / values.sum()
    expected = np.exp(-(p * np.log(p)).sum())
    assert effective_rank(x_ND) == pytest.approx(expected, rel=1e-6)
    assert effective_rank(5 * x_ND - 3) == pytest.approx(expected, rel=1e-5)
    assert effective_rank(x_ND[:8]) <= 7


def test_features_that_are_all_alike_have_none() -> None:
    constant = torch.full((50, 6), 0.1)
    assert effective_rank(constant) == 0
    rounding = constant * (1 + 1e-7 * normal(50, 6, seed=0))
    assert effective_rank(rounding) == 0
    assert effective_rank(normal(50, 1, seed=0) @ torch.ones(1, 6)) == pytest.approx(1, abs=1e-4)


def test_every_row_of_held_out_images_is_measured() -> None:
    def encoder(images: Tensor) -> Tensor:
        return torch.nn.functional.avg_pool2d(images, 16).flatten(2).transpose(1, 2)

    subject = Subject(
        encoder=encoder,
        prefix=1,
        size=32,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        embedding=lambda tokens: torch.cat([tokens, 2 * tokens], dim=2),
        split=(2, 4),
    )
    data = DataPlan(name="made", impl="made", params={}, split="train", count=0)
    plan = EvalPlan(
        id="rank",
        name="rank",
        impl="effective_rank",
        rev=1,
        params={"images": 80},
        data=data,
        steps=(),
    )
    found = evaluate(plan, Bench(subject, train=FakeImages(9), held_out=FakeImages(90)))
    assert [m.row for m in found.measurements] == ["encoder", "z_inv", "z_equi"]
    assert found.facts["features"] == {"encoder": 6, "z_inv": 2, "z_equi": 4}
    assert found.facts["heldout_images"] == 80
